package main

import (
	"context"
	"strings"
	"sync"

	rocketmq "github.com/apache/rocketmq-client-go/v2"
	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// Half messages: commit, rollback, and those that the broker has to ask about. The body names what happens.
var (
	halves    = []string{"commit", "rollback", "unknown-commit", "unknown-rollback", "throw-commit"}
	committed = []string{"commit", "unknown-commit", "throw-commit"}
	unknown   = []string{"unknown-commit", "unknown-rollback", "throw-commit"}
)

var stateNames = map[primitive.LocalTransactionState]string{
	primitive.CommitMessageState:   "COMMIT_MESSAGE",
	primitive.RollbackMessageState: "ROLLBACK_MESSAGE",
	unknownState:                   "UNKNOW",
}

type byBody struct {
	run     *Run
	checked sync.Map
}

func (*byBody) ExecuteLocalTransaction(message *primitive.Message) primitive.LocalTransactionState {
	switch string(message.Body) {
	case "commit":
		return primitive.CommitMessageState
	case "rollback":
		return primitive.RollbackMessageState
	}
	return unknownState
}

func (listener *byBody) CheckLocalTransaction(message *primitive.MessageExt) primitive.LocalTransactionState {
	listener.run.emitMessage("check", message, fields{"transactionId": message.TransactionId})
	listener.checked.Store(bodyOf(message), true)
	if strings.HasSuffix(bodyOf(message), "commit") {
		return primitive.CommitMessageState
	}
	return primitive.RollbackMessageState
}

func transaction(run *Run) error {
	listener := &byBody{run: run}
	options := append(run.producerOptions(), producer.WithGroupName(run.named("transactions")))
	sender, err := rocketmq.NewTransactionProducer(listener, options...)
	if err != nil {
		return err
	}
	run.shutdowns = append(run.shutdowns, sender.Shutdown)
	if err := sender.Start(); err != nil {
		return err
	}
	for _, body := range halves {
		message := run.message(body).WithTag("TagT").WithKeys([]string{"key-" + body})
		result, err := sender.SendMessageInTransaction(context.Background(), message)
		if err != nil {
			return err
		}
		run.emit("sent", fields{
			"body":          body,
			"status":        statusOf(result.Status),
			"msgId":         result.MsgID,
			"transactionId": result.TransactionID,
			"localState":    stateNames[result.State],
		})
	}
	reader, err := run.readerOfTopic()
	if err != nil {
		return err
	}
	// A broker that waits long for an answer asks again, and delivers what is committed again.
	if err := reader.takeEach(committed); err != nil {
		return err
	}
	if err := until("the checks of all unknown", func() (bool, error) {
		for _, body := range unknown {
			if _, isChecked := listener.checked.Load(body); !isChecked {
				return false, nil
			}
		}
		return true, nil
	}); err != nil {
		return err
	}
	// Behind these, a rolled back message that is delivered all the same would have been seen. The client takes queues in turn.
	fences, err := run.producer()
	if err != nil {
		return err
	}
	for i := 0; i < queues; i++ {
		if _, err := fences.SendSync(context.Background(), run.message("fence")); err != nil {
			return err
		}
	}
	return reader.takeEach([]string{"fence", "fence", "fence", "fence"})
}
