package main

import (
	"context"
	"fmt"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

func (run *Run) newPuller(group string) (rocketmq.PullConsumer, error) {
	return rocketmq.NewPullConsumer(
		consumer.WithGroupName(group),
		consumer.WithInstance(instance()),
		consumer.WithNsResolver(run.resolver()),
		consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		consumer.WithPullBatchSize(4),
	)
}

func (run *Run) puller(group, expression string) (rocketmq.PullConsumer, error) {
	created, err := run.newPuller(group)
	if err != nil {
		return nil, err
	}
	run.shutdowns = append(run.shutdowns, created.Shutdown)
	selector := consumer.MessageSelector{Type: consumer.TAG, Expression: expression}
	if err := created.Subscribe(run.topic(), selector); err != nil {
		return nil, err
	}
	return created, created.Start()
}

// Pulls a topic of one queue, stores where it is, and goes on there with another consumer of the group.
func pull(run *Run) error {
	if err := run.createTopic(run.topic(), 1); err != nil {
		return err
	}
	all := run.numberedMessages("pull", messages)
	for i, message := range all {
		message.WithTag([]string{"even", "odd"}[i%2])
	}
	if err := run.send(all...); err != nil {
		return err
	}
	first, err := run.puller(run.named("group"), "*")
	if err != nil {
		return err
	}
	queue := &primitive.MessageQueue{Topic: run.topic(), BrokerName: "broker-a", QueueId: 0}
	if err := given(first); err != nil {
		return err
	}
	for offset := int64(0); offset < messages-2; {
		result, err := first.PullFrom(context.Background(), queue, offset, 2)
		if err != nil {
			return err
		}
		run.emitPulled("pulled", result)
		offset = result.NextBeginOffset
	}
	if err := storeOffset(first, queue, messages-2); err != nil {
		return err
	}
	if err := first.Shutdown(); err != nil {
		return err
	}
	next, err := run.puller(run.named("group"), "*")
	if err != nil {
		return err
	}
	result, err := next.Pull(context.Background(), 32)
	if err != nil {
		return err
	}
	run.emitPulled("pulled", result)
	return run.pullOdd(queue)
}

func (run *Run) pullOdd(queue *primitive.MessageQueue) error {
	odd, err := run.puller(run.named("odd"), "odd")
	if err != nil {
		return err
	}
	result, err := odd.PullFrom(context.Background(), queue, 0, 32)
	if err != nil {
		return err
	}
	run.emitPulled("odd", result)
	return nil
}

// A consumer that is given its queue later than its offset is stored may store another one when it shuts down. It polls only
// what it has pulled of queues that it was given.
func given(puller rocketmq.PullConsumer) error {
	return until("a queue to be given", func() (bool, error) {
		_, err := puller.Poll(context.Background(), time.Second)
		if consumer.IsNoNewMsgError(err) {
			return false, nil
		}
		return err == nil, err
	})
}

// The client forgets the offset of a queue that it has not been given yet, and then tells the one of the broker.
func storeOffset(of rocketmq.PullConsumer, queue *primitive.MessageQueue, offset int64) error {
	return until("an offset to be stored", func() (bool, error) {
		if err := of.UpdateOffset(queue, offset); err != nil {
			return false, err
		}
		if err := of.PersistOffset(context.Background(), queue.Topic); err != nil {
			return false, err
		}
		stored, err := of.CurrentOffset(queue)
		return stored == offset, err
	})
}

func (run *Run) emitPulled(event string, result *primitive.PullResult) int {
	for _, message := range result.GetMessageExts() {
		run.emitMessage(event, message, fields{"min": result.MinOffset, "max": result.MaxOffset})
	}
	return len(result.GetMessageExts())
}

// Polls what the client has pulled by itself.
func poll(run *Run) error {
	if err := run.send(run.numberedMessages("poll", messages)...); err != nil {
		return err
	}
	polling, err := run.puller(run.named("group"), "*")
	if err != nil {
		return err
	}
	return run.pollAndAcknowledge(polling, messages)
}

func (run *Run) pollAndAcknowledge(polling rocketmq.PullConsumer, count int) error {
	deadline := time.Now().Add(patience)
	for polled := 0; polled < count; {
		request, err := polling.Poll(context.Background(), time.Second)
		if err != nil {
			if consumer.IsNoNewMsgError(err) && time.Now().Before(deadline) {
				continue
			}
			return fmt.Errorf("%d of %d messages were polled: %w", polled, count, err)
		}
		for _, message := range request.GetMsgList() {
			run.emitMessage("polled", message, nil)
		}
		polled += len(request.GetMsgList())
		polling.ACK(context.Background(), request, consumer.ConsumeSuccess)
	}
	return nil
}

// The first message of a topic of one queue.
func (run *Run) firstOf(topic string) (*primitive.MessageExt, error) {
	first, err := run.puller(run.named("first_of"), "*")
	if err != nil {
		return nil, err
	}
	queue := &primitive.MessageQueue{Topic: topic, BrokerName: "broker-a", QueueId: 0}
	var found *primitive.MessageExt
	err = until("a message in "+topic, func() (bool, error) {
		result, err := first.PullFrom(context.Background(), queue, 0, 1)
		if err != nil || len(result.GetMessageExts()) == 0 {
			return false, nil
		}
		found = result.GetMessageExts()[0]
		return true, nil
	})
	return found, err
}
