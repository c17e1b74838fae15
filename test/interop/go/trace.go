package main

import (
	"context"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// A message whose producer and consumer write a trace.
func traced(run *Run) error {
	config := &primitive.TraceConfig{
		GroupName:    run.named("trace"),
		Access:       primitive.Local,
		NamesrvAddrs: []string{run.nameServer},
	}
	sender, err := run.producer(producer.WithTrace(config))
	if err != nil {
		return err
	}
	message := run.message("traced").WithTag("TagA").WithKeys([]string{"key-1"})
	result, err := sender.SendSync(context.Background(), message)
	if err != nil {
		return err
	}
	run.emitSent(message, result)
	reader, err := run.reader(run.named("reader"), run.topic(), everything, consumer.WithTrace(config))
	if err != nil {
		return err
	}
	if err := reader.take(1); err != nil {
		return err
	}
	// The client drops the trace that it has not sent when it shuts down. Other scenarios take longer.
	time.Sleep(10 * time.Second)
	return nil
}
