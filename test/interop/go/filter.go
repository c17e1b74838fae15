package main

import (
	"context"
	"fmt"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
)

func consumeTags(run *Run) error {
	sender, err := run.producer()
	if err != nil {
		return err
	}
	for round := 0; round < 3; round++ {
		for _, tag := range []string{"TagA", "TagB", "TagC", ""} {
			message := run.message(fmt.Sprintf("tags-%s-%d", tag, round)).WithTag(tag)
			if _, err := sender.SendSync(context.Background(), message); err != nil {
				return err
			}
		}
	}
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: "TagA || TagB"}
	reader, err := run.reader(run.named("reader"), run.topic(), selector)
	if err != nil {
		return err
	}
	return reader.take(6)
}

// Amounts from 0 to 9, of two countries.
func consumeBySQL(run *Run) error {
	sender, err := run.producer()
	if err != nil {
		return err
	}
	all := run.numberedMessages("sql", 10)
	for i, message := range all {
		message.WithProperty("amount", fmt.Sprint(i))
		message.WithProperty("country", []string{"CH", "AT"}[i%2])
		if _, err := sender.SendSync(context.Background(), message); err != nil {
			return err
		}
	}
	selector := consumer.MessageSelector{Type: consumer.SQL92, Expression: "amount > 3 AND country = 'CH'"}
	reader, err := run.reader(run.named("reader"), run.topic(), selector)
	if err != nil {
		return err
	}
	return reader.take(3)
}

// New groups that begin at different places of a topic, whose messages are all there.
func consumeFrom(run *Run) error {
	if err := run.createTopic(run.topic(), 1); err != nil {
		return err
	}
	if err := run.send(run.numberedMessages("early", 3)...); err != nil {
		return err
	}
	// The client reads the time as one of UTC, to the second.
	time.Sleep(1100 * time.Millisecond)
	between := time.Now().UTC().Format("20060102150405")
	if err := run.send(run.numberedMessages("late", 3)...); err != nil {
		return err
	}
	wheres := map[string][]consumer.Option{
		"first": {consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset)},
		"last":  {consumer.WithConsumeFromWhere(consumer.ConsumeFromLastOffset)},
		"timestamp": {
			consumer.WithConsumeFromWhere(consumer.ConsumeFromTimestamp),
			consumer.WithConsumeTimestamp(between),
		},
	}
	var readers []*Reader
	for where, options := range wheres {
		reader, err := run.readerThatSays(run.named(where), run.topic(), everything, fields{"where": where}, options...)
		if err != nil {
			return err
		}
		readers = append(readers, reader)
	}
	// The client has begun when it has asked the broker where.
	time.Sleep(3 * time.Second)
	if err := run.send(run.message("fence")); err != nil {
		return err
	}
	for _, reader := range readers {
		for bodyOf(<-reader.arrived) != "fence" {
		}
	}
	return nil
}
