package main

import (
	"sync/atomic"
	"time"

	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

const (
	maxReconsumeTimes = 2
	orders            = 3
	steps             = 4
	// In which a listener returns and the client notes its offset, or has a new member's queues.
	settleTime = 300 * time.Millisecond
)

// One message fails once, one always; the second must end in the dead letter queue.
func consumeAndRetry(run *Run) error {
	group := run.named("group")
	// The client looks for new routes every 30 s only: the retry topic is there before the group.
	if err := run.createTopic("%RETRY%"+group, 1); err != nil {
		return err
	}
	var all []*primitive.Message
	for _, body := range []string{"good", "fails-once", "poison"} {
		message := run.message(body).WithTag("TagR").WithKeys([]string{"key-" + body})
		message.WithProperty("trace", body)
		all = append(all, message)
	}
	if err := run.send(all...); err != nil {
		return err
	}
	var poisonTries, otherSuccesses atomic.Int32
	_, err := run.consumer(group, run.topic(), everything, func(message *primitive.MessageExt) consumer.ConsumeResult {
		body := bodyOf(message)
		fails := body == "poison" || body == "fails-once" && message.ReconsumeTimes == 0
		run.emitMessage("consumed", message, fields{"result": fails})
		if body == "poison" {
			poisonTries.Add(1)
		} else {
			otherSuccesses.Add(1)
		}
		if fails {
			return consumer.ConsumeRetryLater
		}
		return consumer.ConsumeSuccess
	}, consumer.WithMaxReconsumeTimes(maxReconsumeTimes))
	if err != nil {
		return err
	}
	if err := until("all tries", func() (bool, error) {
		return poisonTries.Load() > maxReconsumeTimes && otherSuccesses.Load() >= 3, nil
	}); err != nil {
		return err
	}
	dead, err := run.firstOf("%DLQ%" + group)
	if err != nil {
		return err
	}
	run.emitMessage("dead", dead, nil)
	return nil
}

// Orders whose steps must be seen in order, the first message of all being refused once.
func consumeOrderly(run *Run) error {
	if err := run.sendOrders(); err != nil {
		return err
	}
	var accepted, refused atomic.Int32
	_, err := run.consumer(run.named("group"), run.topic(), everything, func(message *primitive.MessageExt) consumer.ConsumeResult {
		refuses := bodyOf(message) == "order-0-step-0" && refused.CompareAndSwap(0, 1)
		run.emitMessage("consumed", message, fields{"refused": refuses})
		if refuses {
			return consumer.SuspendCurrentQueueAMoment
		}
		accepted.Add(1)
		return consumer.ConsumeSuccess
	}, consumer.WithConsumerOrder(true))
	if err != nil {
		return err
	}
	return until("all steps", func() (bool, error) { return accepted.Load() >= orders*steps, nil })
}

// A group goes away and comes back: it must get what was sent meanwhile, and nothing twice.
func comeBack(run *Run) error {
	if err := run.send(run.numberedMessages("before", 8)...); err != nil {
		return err
	}
	first, err := run.readerOfTopic()
	if err != nil {
		return err
	}
	if err := first.take(8); err != nil {
		return err
	}
	// A client that shuts down while its first heartbeat is under way connects again, and stays a member.
	time.Sleep(firstHeartbeat)
	if err := first.Shutdown(); err != nil {
		return err
	}
	run.emit("away", nil)
	if err := run.send(run.numberedMessages("meanwhile", 8)...); err != nil {
		return err
	}
	return run.readTopic(8)
}

func broadcast(run *Run) error {
	if err := run.send(run.numberedMessages("broadcast", 4)...); err != nil {
		return err
	}
	for _, member := range []string{"left", "right"} {
		reader, err := run.readerThatSays(run.named("group"), run.topic(), everything, fields{"member": member},
			consumer.WithConsumerModel(consumer.BroadCasting))
		if err != nil {
			return err
		}
		if err := reader.take(4); err != nil {
			return err
		}
	}
	return nil
}

// Consumes, and once more what an administrator has reset meanwhile.
func beReset(run *Run) error {
	if err := run.createTopic(run.topic(), 1); err != nil {
		return err
	}
	first, err := run.sendFirst("reset-0")
	if err != nil {
		return err
	}
	// The client stores offsets after 10 s, and when it shuts down.
	time.Sleep(firstHeartbeat)
	if err := first.Shutdown(); err != nil {
		return err
	}
	reader, err := run.readerOfTopic()
	if err != nil {
		return err
	}
	time.Sleep(settleTime)
	run.emit("consumed", nil)
	return reader.take(1)
}

// Consumes, and tells administrators about it until it is told to stop.
func beInspected(run *Run) error {
	reader, err := run.sendFirst("inspect-0")
	if err != nil {
		return err
	}
	time.Sleep(settleTime)
	run.emit("consumed", nil)
	for bodyOf(<-reader.arrived) != "stop" {
	}
	return nil
}
