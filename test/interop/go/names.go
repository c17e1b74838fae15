package main

import (
	"context"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// Topic and group lie in a namespace.
func inNamespace(run *Run) error {
	return run.sendAndRead(
		[]producer.Option{producer.WithNamespace("ns")},
		[]consumer.Option{consumer.WithNamespace("ns")},
	)
}

// Each request is signed, for a broker that checks it.
func sign(run *Run) error {
	credentials := primitive.Credentials{AccessKey: "access", SecretKey: "a secret key", SecurityToken: "token"}
	return run.sendAndRead(
		[]producer.Option{producer.WithCredentials(credentials)},
		[]consumer.Option{consumer.WithCredentials(credentials)},
	)
}

func (run *Run) sendAndRead(sending []producer.Option, reading []consumer.Option) error {
	sender, err := run.producer(sending...)
	if err != nil {
		return err
	}
	if _, err := sender.SendSync(context.Background(), run.message(run.scenario)); err != nil {
		return err
	}
	reader, err := run.reader(run.named("reader"), run.topic(), everything, reading...)
	if err != nil {
		return err
	}
	return reader.take(1)
}
