package main

import (
	"context"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

// A failed message comes again after the level that its listener asks for.
func retryByLevel(run *Run) error {
	group := run.named("group")
	if err := run.createTopic("%RETRY%"+group, 1); err != nil {
		return err
	}
	if err := run.send(run.message("level")); err != nil {
		return err
	}
	consumed := make(chan bool, 2)
	listening := func(ctx context.Context, all ...*primitive.MessageExt) (consumer.ConsumeResult, error) {
		run.emitMessage("consumed", all[0], nil)
		consumed <- true
		if all[0].ReconsumeTimes > 0 {
			return consumer.ConsumeSuccess, nil
		}
		context, _ := primitive.GetConcurrentlyCtx(ctx)
		context.DelayLevelWhenNextConsume = 2
		return consumer.ConsumeRetryLater, nil
	}
	if _, err := run.consumerThat(group, run.topic(), everything, listening); err != nil {
		return err
	}
	<-consumed
	<-consumed
	return nil
}

// An orderly consumer gives a message up after its tries, and goes on.
func giveUpInOrder(run *Run) error {
	if err := run.createTopic(run.topic(), 1); err != nil {
		return err
	}
	if err := run.send(run.message("poison"), run.message("good")); err != nil {
		return err
	}
	group := run.named("group")
	good := make(chan bool, 1)
	_, err := run.consumer(group, run.topic(), everything, func(message *primitive.MessageExt) consumer.ConsumeResult {
		run.emitMessage("consumed", message, nil)
		if bodyOf(message) == "poison" {
			return consumer.SuspendCurrentQueueAMoment
		}
		good <- true
		return consumer.ConsumeSuccess
	}, consumer.WithConsumerOrder(true), consumer.WithMaxReconsumeTimes(1))
	if err != nil {
		return err
	}
	<-good
	dead, err := run.firstOf("%DLQ%" + group)
	if err == nil {
		run.emitMessage("dead", dead, nil)
	}
	return err
}
