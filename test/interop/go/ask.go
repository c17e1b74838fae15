package main

import (
	"context"
	"strings"
	"sync"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

const (
	askTimeout = 30 * time.Second
	// The broker pushes replies to clients whose heartbeat it has had. The first one is sent after a second, the next after 30.
	firstHeartbeat = 5 * time.Second
	large          = 50_000
)

// Asks on the topic "toOthers", where somebody answers.
func ask(run *Run) error {
	topic := run.named("toOthers")
	requester, err := run.producer()
	if err != nil {
		return err
	}
	if _, err := requester.SendSync(context.Background(), primitive.NewMessage(topic, []byte("no question"))); err != nil {
		return err
	}
	time.Sleep(firstHeartbeat)
	full := primitive.NewMessage(topic, []byte("sync ü 漢")).WithTag("TagA").WithKeys([]string{"key1"})
	full.WithProperty("colour", "blue")
	for _, question := range []*primitive.Message{full, primitive.NewMessage(topic, []byte(strings.Repeat("large", large/5)))} {
		reply, err := requester.Request(context.Background(), askTimeout, question)
		if err != nil {
			return err
		}
		run.emitReply("sync", reply)
	}
	return run.askByCallback(requester, topic)
}

func (run *Run) askByCallback(requester rocketmq.Producer, topic string) error {
	done := make(chan error, 1)
	var called sync.Once
	// The client calls it again when it forgets the request.
	callback := func(_ context.Context, reply *primitive.Message, err error) {
		called.Do(func() {
			if err == nil {
				run.emitReply("callback", reply)
			}
			done <- err
		})
	}
	question := primitive.NewMessage(topic, []byte("callback"))
	if err := requester.RequestAsync(context.Background(), askTimeout, callback, question); err != nil {
		return err
	}
	return <-done
}

func (run *Run) emitReply(event string, reply *primitive.Message) {
	run.emit(event, fields{"body": textOf(reply.Body), "flag": reply.Flag, "properties": reply.GetProperties()})
}

// Answers what is asked on the topic "toGo", until it is told to stop.
func answer(run *Run) error {
	replier, err := run.producer()
	if err != nil {
		return err
	}
	stopped := make(chan error, 1)
	ready := make(chan bool, 1)
	_, err = run.consumer(run.named("group"), run.named("toGo"), everything, func(message *primitive.MessageExt) consumer.ConsumeResult {
		run.emitMessage("asked", message, nil)
		if bodyOf(message) == "hello" {
			ready <- true
			return consumer.ConsumeSuccess
		}
		if bodyOf(message) == "stop" {
			stopped <- nil
			return consumer.ConsumeSuccess
		}
		if err := run.reply(replier, message); err != nil {
			stopped <- err
		}
		return consumer.ConsumeSuccess
	})
	if err != nil {
		return err
	}
	if _, err := replier.SendSync(context.Background(), primitive.NewMessage(run.named("toGo"), []byte("hello"))); err != nil {
		return err
	}
	<-ready
	run.emit("answering", nil)
	return <-stopped
}

func (run *Run) reply(replier rocketmq.Producer, request *primitive.MessageExt) error {
	reply, err := consumer.CreateReplyMessage(request, nil)
	if err != nil {
		return err
	}
	// The client takes the body that it is given for properties.
	reply.Body = []byte("re: " + textOf(request.Body))
	reply.WithProperty("colour", "green")
	result, err := replier.SendSync(context.Background(), reply)
	if err == nil {
		run.emit("replied", fields{"status": statusOf(result.Status)})
	}
	return err
}
