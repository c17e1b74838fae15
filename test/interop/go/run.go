package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/consumer"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

const (
	queues      = 4
	patience    = 120 * time.Second
	sendTimeout = 20 * time.Second
)

type fields map[string]any

var (
	clients atomic.Int64
	output  sync.Mutex
)

// Run is one scenario's run: its names, the clients it has opened, and its lines on standard output.
type Run struct {
	nameServer string
	name       string
	scenario   string
	shutdowns  []func() error
}

func (run *Run) topic() string { return run.named("topic") }

// A name that no other run and no other scenario uses.
func (run *Run) named(what string) string { return run.name + "_" + run.scenario + "_" + what }

func (run *Run) resolver() primitive.NsResolver {
	return primitive.NewPassthroughResolver([]string{run.nameServer})
}

// Clients of one instance name share their connections, and callbacks of a transaction reach only the first.
func instance() string { return fmt.Sprintf("%d-%d", os.Getpid(), clients.Add(1)) }

func (run *Run) producer(options ...producer.Option) (rocketmq.Producer, error) {
	created, err := rocketmq.NewProducer(append(run.producerOptions(), options...)...)
	if err != nil {
		return nil, err
	}
	run.shutdowns = append(run.shutdowns, created.Shutdown)
	return created, created.Start()
}

func (run *Run) producerOptions() []producer.Option {
	return []producer.Option{
		producer.WithGroupName(run.named("producer")),
		producer.WithInstanceName(instance()),
		producer.WithNsResolver(run.resolver()),
		producer.WithSendMsgTimeout(sendTimeout),
	}
}

type (
	listener      = func(*primitive.MessageExt) consumer.ConsumeResult
	listenerOfAll = func(context.Context, ...*primitive.MessageExt) (consumer.ConsumeResult, error)
)

func (run *Run) consumer(group, topic string, selector consumer.MessageSelector, listen listener, options ...consumer.Option) (rocketmq.PushConsumer, error) {
	return run.consumerThat(group, topic, selector, perMessage(listen), options...)
}

// Starts a push consumer of the group. The client refuses a topic whose route is not there yet: it is tried again.
func (run *Run) consumerThat(group, topic string, selector consumer.MessageSelector, listen listenerOfAll, options ...consumer.Option) (rocketmq.PushConsumer, error) {
	var started rocketmq.PushConsumer
	err := until("a consumer of "+topic, func() (bool, error) {
		all := append([]consumer.Option{
			consumer.WithGroupName(group),
			consumer.WithInstance(instance()),
			consumer.WithNsResolver(run.resolver()),
			consumer.WithConsumeFromWhere(consumer.ConsumeFromFirstOffset),
		}, options...)
		created, err := rocketmq.NewPushConsumer(all...)
		if err != nil {
			return false, err
		}
		if err = created.Subscribe(topic, selector, listen); err != nil {
			return false, err
		}
		if created.Start() != nil {
			return false, nil
		}
		run.shutdowns = append(run.shutdowns, created.Shutdown)
		started = created
		return true, nil
	})
	return started, err
}

func (run *Run) admin() (admin.Admin, error) {
	created, err := admin.NewAdmin(admin.WithResolver(run.resolver()))
	if err != nil {
		return nil, err
	}
	run.shutdowns = append(run.shutdowns, created.Close)
	return created, nil
}

func (run *Run) createTopic(topic string, count int) error {
	administration, err := run.admin()
	if err != nil {
		return err
	}
	return createOn(administration, topic, count)
}

func (run *Run) shutdownClients() {
	for i := len(run.shutdowns) - 1; i >= 0; i-- {
		_ = run.shutdowns[i]()
	}
	run.shutdowns = nil
}

func (run *Run) emit(event string, more fields) {
	line := fmt.Sprintf(`{"scenario":%q,"event":%q,"at":%d`, run.scenario, event, time.Now().UnixMilli())
	if len(more) > 0 {
		text, err := json.Marshal(more)
		if err != nil {
			panic(err)
		}
		line += "," + string(text[1:len(text)-1])
	}
	printLine(line + "}")
}

func printLine(line string) {
	output.Lock()
	defer output.Unlock()
	fmt.Println(line)
}

func (run *Run) emitSent(message *primitive.Message, result *primitive.SendResult) {
	run.emit("sent", fields{
		"body":        textOf(message.Body),
		"status":      statusOf(result.Status),
		"msgId":       result.MsgID,
		"offsetMsgId": result.OffsetMsgID,
		"queueId":     result.MessageQueue.QueueId,
		"queueOffset": result.QueueOffset,
	})
}

func statusOf(status primitive.SendStatus) string {
	if status == primitive.SendOK {
		return "SEND_OK"
	}
	return fmt.Sprint(status)
}

func (run *Run) emitMessage(event string, message *primitive.MessageExt, more fields) {
	all := fields{
		"body":           textOf(message.Body),
		"topic":          message.Topic,
		"msgId":          message.MsgId,
		"offsetMsgId":    message.OffsetMsgId,
		"queueId":        message.Queue.QueueId,
		"queueOffset":    message.QueueOffset,
		"flag":           message.Flag,
		"sysFlag":        message.SysFlag,
		"reconsumeTimes": message.ReconsumeTimes,
		"bornTimestamp":  message.BornTimestamp,
		"storeTimestamp": message.StoreTimestamp,
		"properties":     message.GetProperties(),
	}
	for key, value := range more {
		all[key] = value
	}
	run.emit(event, all)
}

// Waits for a condition that the client gives no event for.
func until(what string, condition func() (bool, error)) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		holds, err := condition()
		if holds || err != nil {
			return err
		}
	}
	return fmt.Errorf("waited %s for %s", patience, what)
}

func numbered(prefix string, i int) string { return fmt.Sprintf("%s-%d", prefix, i) }

func (run *Run) message(body string) *primitive.Message {
	return primitive.NewMessage(run.topic(), []byte(body))
}

func bodyOf(message *primitive.MessageExt) string { return string(message.Body) }

func startsWith(message *primitive.MessageExt, prefix string) bool {
	return strings.HasPrefix(bodyOf(message), prefix)
}
