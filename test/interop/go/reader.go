package main

import (
	"context"
	"fmt"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

var everything = consumer.MessageSelector{Type: consumer.TAG, Expression: "*"}

// Reader is a push consumer that accepts everything, prints it as "received" and hands it over in order of arrival.
type Reader struct {
	rocketmq.PushConsumer
	arrived chan *primitive.MessageExt
}

func (run *Run) reader(group, topic string, selector consumer.MessageSelector, options ...consumer.Option) (*Reader, error) {
	return run.readerThatSays(group, topic, selector, nil, options...)
}

func (run *Run) readerThatSays(group, topic string, selector consumer.MessageSelector, more fields, options ...consumer.Option) (*Reader, error) {
	reader := &Reader{arrived: make(chan *primitive.MessageExt, 10_000)}
	started, err := run.consumer(group, topic, selector, func(message *primitive.MessageExt) consumer.ConsumeResult {
		run.emitMessage("received", message, more)
		reader.arrived <- message
		return consumer.ConsumeSuccess
	}, options...)
	reader.PushConsumer = started
	return reader, err
}

func (run *Run) readerOfTopic() (*Reader, error) {
	return run.reader(run.named("reader"), run.topic(), everything)
}

// Starts a reader of the scenario's topic and waits for so many messages.
func (run *Run) readTopic(count int) error {
	reader, err := run.readerOfTopic()
	if err != nil {
		return err
	}
	return reader.take(count)
}

func (reader *Reader) take(count int) error {
	limit := time.After(patience)
	for taken := 0; taken < count; taken++ {
		select {
		case <-reader.arrived:
		case <-limit:
			return fmt.Errorf("got %d of %d messages in %s", taken, count, patience)
		}
	}
	return nil
}

// Waits until each of these bodies has come, so often as it stands there, whatever else comes.
func (reader *Reader) takeEach(bodies []string) error {
	missing := map[string]int{}
	for _, body := range bodies {
		missing[body]++
	}
	limit := time.After(patience)
	for len(missing) > 0 {
		select {
		case message := <-reader.arrived:
			body := bodyOf(message)
			if missing[body]--; missing[body] <= 0 {
				delete(missing, body)
			}
		case <-limit:
			return fmt.Errorf("had in %s not yet: %v", patience, missing)
		}
	}
	return nil
}

// The default batch is one message.
func perMessage(listen listener) listenerOfAll {
	return func(_ context.Context, messages ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		return listen(messages[0]), nil
	}
}
