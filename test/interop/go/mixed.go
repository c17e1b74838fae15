package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

const (
	exchanged = 5
	call      = 4 * time.Millisecond
)

// Sends to the topic "fromPeer" and reads the same number of messages of "toPeer"; both topics exist.
func exchange(run *Run) error {
	topic := run.named("fromPeer")
	full := primitive.NewMessage(topic, []byte("full ü 漢 😀")).WithTag("TagA").WithKeys([]string{"key1", "key2"})
	full.Flag = 7
	full.WithProperty("colour", `blue = "ü"`)
	bare := primitive.NewMessage(topic, []byte("bare"))
	if err := run.send(full, bare, primitive.NewMessage(topic, []byte(strings.Repeat("large", large/5)))); err != nil {
		return err
	}
	var batch []*primitive.Message
	for i := 0; i < 2; i++ {
		message := primitive.NewMessage(topic, []byte(numbered("batch", i))).WithTag("TagB")
		message.WithKeys([]string{fmt.Sprintf("batch-key%d", i)}).WithProperty("index", strconv.Itoa(i))
		batch = append(batch, message)
	}
	sender, err := run.producer()
	if err != nil {
		return err
	}
	if _, err := sender.SendSync(context.Background(), batch...); err != nil {
		return err
	}
	reader, err := run.reader(run.named("reader"), run.named("toPeer"), everything)
	if err != nil {
		return err
	}
	return reader.take(exchanged)
}

// A member of a group, until the process is told to end: prints each listener call as it begins and as it ends.
func listen(run *Run) error { return run.stay(false) }

// The same, of an orderly group.
func member(run *Run) error { return run.stay(true) }

func (run *Run) stay(inOrder bool) error {
	_, err := run.consumer(run.named("group"), run.topic(), everything, func(message *primitive.MessageExt) consumer.ConsumeResult {
		printCall("begin", message)
		time.Sleep(call)
		printCall("end", message)
		return consumer.ConsumeSuccess
	}, consumer.WithConsumerOrder(inOrder))
	if err != nil {
		return err
	}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM)
	run.emit("started", nil)
	<-ended
	return nil
}

func printCall(what string, message *primitive.MessageExt) {
	body := strings.Split(bodyOf(message), " ")
	printLine(fmt.Sprintf(`{"what":%q,"at":%d,"queue":%q,"seq":%s}`, what, time.Now().UnixMilli(), body[0], body[1]))
}
