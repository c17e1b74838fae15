package main

import (
	"context"
	"fmt"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// Sends the steps of orders, those of one order to one queue. The queues of the topic are three.
func (run *Run) sendOrders() error {
	if err := run.createTopic(run.topic(), orders); err != nil {
		return err
	}
	sender, err := run.producer(producer.WithQueueSelector(producer.NewManualQueueSelector()))
	if err != nil {
		return err
	}
	administration, err := run.admin()
	if err != nil {
		return err
	}
	all, err := administration.FetchPublishMessageQueues(context.Background(), run.topic())
	if err != nil {
		return err
	}
	for step := 0; step < steps; step++ {
		for order := 0; order < orders; order++ {
			message := primitive.NewMessage(run.topic(), []byte(fmt.Sprintf("order-%d-step-%d", order, step)))
			message.Queue = all[order]
			if _, err := sender.SendSync(context.Background(), message); err != nil {
				return err
			}
		}
	}
	return nil
}
