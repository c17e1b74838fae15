package main

import (
	"context"
	"os"
	"strings"
	"time"

	"github.com/apache/rocketmq-client-go/v2/admin"
)

// The broker's address: the client has no request that would tell it.
func brokerAddress() string { return os.Getenv("BROKER_ADDRESS") }

// The client hides the broker's answer: a topic that was refused is not there afterwards.
func createOn(administration admin.Admin, topic string, count int) error {
	return administration.CreateTopic(context.Background(),
		admin.WithTopicCreate(topic),
		admin.WithBrokerAddrCreate(brokerAddress()),
		admin.WithReadQueueNums(count),
		admin.WithWriteQueueNums(count),
	)
}

func administrate(run *Run) error {
	administration, err := run.admin()
	if err != nil {
		return err
	}
	if err := createOn(administration, run.topic(), 3); err != nil {
		return err
	}
	if err := run.emitTopic(administration, "created"); err != nil {
		return err
	}
	published, err := administration.FetchPublishMessageQueues(context.Background(), run.topic())
	if err != nil {
		return err
	}
	clusters, err := clustersOf(administration, run.topic())
	if err != nil {
		return err
	}
	run.emit("route", fields{"queues": published, "clusters": clusters})

	if _, err := run.reader(run.named("reader"), run.topic(), everything); err != nil {
		return err
	}
	// The broker has the group from the first heartbeat on.
	err = until("the group", func() (bool, error) {
		groups, err := administration.GetAllSubscriptionGroup(context.Background(), brokerAddress(), 20*time.Second)
		if err != nil {
			return false, err
		}
		config, exists := groups.SubscriptionGroupTable[run.named("reader")]
		if exists {
			run.emit("group", fields{"config": config})
		}
		return exists, nil
	})
	if err != nil {
		return err
	}

	if err := administration.DeleteTopic(context.Background(), admin.WithTopicDelete(run.topic())); err != nil {
		return err
	}
	return run.emitTopic(administration, "deleted")
}

// Prints whether the name server lists the topic.
func (run *Run) emitTopic(administration admin.Admin, event string) error {
	list, err := administration.FetchAllTopicList(context.Background())
	if err != nil {
		return err
	}
	run.emit(event, fields{"listed": strings.Contains(" "+strings.Join(list.TopicList, " ")+" ", " "+run.topic()+" ")})
	return nil
}
