//go:build !v2_1_2

// What the client 2.1.2 cannot do, or calls otherwise.
package main

import (
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

const unknownState = primitive.UnkonwnState

func init() {
	scenarios["timer"] = sendTimed
	scenarios["assign"] = assign
}

func sendTimed(run *Run) error {
	reader, err := run.sendFirst("timer-first")
	if err != nil {
		return err
	}
	at := time.Now().Add(2500 * time.Millisecond)
	if err := run.send(run.message("timer-time").WithDelayTimestamp(at)); err != nil {
		return err
	}
	run.emit("due", fields{"ms": at.UnixMilli()})
	return reader.take(1)
}

func clustersOf(administration admin.Admin, topic string) ([]string, error) {
	return administration.FetchClusterList(topic)
}

// Takes a topic's queues by hand, from the offset of a time on, and polls.
func assign(run *Run) error {
	if err := run.createTopic(run.topic(), 1); err != nil {
		return err
	}
	if err := run.send(run.numberedMessages("early", 3)...); err != nil {
		return err
	}
	time.Sleep(20 * time.Millisecond)
	between := time.Now()
	if err := run.send(run.numberedMessages("late", 3)...); err != nil {
		return err
	}
	puller, err := run.assigned()
	if err != nil {
		return err
	}
	all, err := puller.GetTopicRouteInfo(run.topic())
	if err != nil {
		return err
	}
	offset, err := puller.OffsetForTimestamp(all[0], between.UnixMilli())
	if err != nil {
		return err
	}
	run.emit("offset", fields{"offset": offset, "queues": len(all)})
	puller.SeekOffset(all[0], offset)
	if err := puller.Assign(run.topic(), all); err != nil {
		return err
	}
	return run.pollAndAcknowledge(puller, 3)
}

// The client starts with a topic and none of its queues.
func (run *Run) assigned() (rocketmq.PullConsumer, error) {
	created, err := run.newPuller(run.named("group"))
	if err != nil {
		return nil, err
	}
	run.shutdowns = append(run.shutdowns, created.Shutdown)
	if err := created.Assign(run.topic(), nil); err != nil {
		return nil, err
	}
	return created, created.Start()
}
