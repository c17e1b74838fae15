package main

import (
	"context"
	"strings"
	"sync"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const (
	messages          = 10
	delayedLevels     = 3
	compressibleBytes = 100_000
	noiseBytes        = 500_000
)

func (run *Run) send(all ...*primitive.Message) error {
	sender, err := run.producer()
	if err != nil {
		return err
	}
	for _, message := range all {
		result, err := sender.SendSync(context.Background(), message)
		if err != nil {
			return err
		}
		run.emitSent(message, result)
	}
	return nil
}

func (run *Run) numberedMessages(prefix string, count int) []*primitive.Message {
	var all []*primitive.Message
	for i := 0; i < count; i++ {
		all = append(all, run.message(numbered(prefix, i)))
	}
	return all
}

func sendSync(run *Run) error {
	if err := run.send(run.numberedMessages("sync", messages)...); err != nil {
		return err
	}
	return run.readTopic(messages)
}

func sendAsync(run *Run) error {
	sender, err := run.producer()
	if err != nil {
		return err
	}
	var answered sync.WaitGroup
	for _, message := range run.numberedMessages("async", messages) {
		answered.Add(1)
		err := sender.SendAsync(context.Background(), func(_ context.Context, result *primitive.SendResult, err error) {
			defer answered.Done()
			if err != nil {
				run.emit("refused", fields{"body": string(message.Body), "error": err.Error()})
				return
			}
			run.emitSent(message, result)
		}, message)
		if err != nil {
			return err
		}
	}
	answered.Wait()
	return run.readTopic(messages)
}

func sendOneWay(run *Run) error {
	sender, err := run.producer()
	if err != nil {
		return err
	}
	for _, message := range run.numberedMessages("oneway", messages) {
		if err := sender.SendOneWay(context.Background(), message); err != nil {
			return err
		}
	}
	return run.readTopic(messages)
}

func sendBatch(run *Run) error {
	sender, err := run.producer()
	if err != nil {
		return err
	}
	all := run.numberedMessages("batch", messages)
	for i, message := range all {
		message.WithTag(numbered("tag", i)).WithKeys([]string{numbered("key", i)}).WithProperty("index", numbered("i", i))
	}
	result, err := sender.SendSync(context.Background(), all...)
	if err != nil {
		return err
	}
	run.emitSent(&primitive.Message{}, result)
	return run.readTopic(messages)
}

func sendProperties(run *Run) error {
	message := run.message("properties ü 漢 😀").WithTag("TagA").WithKeys([]string{"key1", "key2"})
	message.Flag = 7
	message.WithProperty("colour", `blue = "ü"`)
	message.WithProperty("quoted", `{"a": 1}`)
	if err := run.send(message); err != nil {
		return err
	}
	return run.readTopic(1)
}

// A body that the client compresses, and one that it cannot make smaller.
func sendLarge(run *Run) error {
	const line = "all work and no play makes a dull body "
	repeated := strings.Repeat(line, (compressibleBytes+len(line)-1)/len(line))
	noise := javaNoise(7, noiseBytes)
	if err := run.send(run.message(repeated), primitive.NewMessage(run.topic(), noise)); err != nil {
		return err
	}
	return run.readTopic(2)
}

func sendDelayed(run *Run) error {
	reader, err := run.sendFirst("delay-0")
	if err != nil {
		return err
	}
	var all []*primitive.Message
	for level := 1; level <= delayedLevels; level++ {
		all = append(all, run.message(numbered("delay", level)).WithDelayTimeLevel(level))
	}
	if err := run.send(all...); err != nil {
		return err
	}
	return reader.take(delayedLevels)
}

// Messages of one sharding key lie in one queue, in their order.
func sendBySharding(run *Run) error {
	sender, err := run.producer(producer.WithQueueSelector(producer.NewHashQueueSelector()))
	if err != nil {
		return err
	}
	for step := 0; step < 3; step++ {
		for _, key := range []string{"a", "b", "c", "d", "e"} {
			message := run.message(numbered(key, step)).WithShardingKey(key)
			result, err := sender.SendSync(context.Background(), message)
			if err != nil {
				return err
			}
			run.emitSent(message, result)
		}
	}
	return run.readTopic(15)
}

// Sends a message, which creates the topic, and starts a reader that has read it.
func (run *Run) sendFirst(body string) (*Reader, error) {
	if err := run.send(run.message(body)); err != nil {
		return nil, err
	}
	reader, err := run.readerOfTopic()
	if err != nil {
		return nil, err
	}
	return reader, reader.take(1)
}
