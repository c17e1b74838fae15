package main

import (
	"context"
	"fmt"
	"net"
	"net/http"

	"github.com/apache/rocketmq-client-go/v2/primitive"
	"github.com/apache/rocketmq-client-go/v2/producer"
)

// Asks an HTTP server for the name servers, as in data centres.
func findByDomain(run *Run) error {
	listening, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	defer listening.Close()
	go http.Serve(listening, http.HandlerFunc(func(response http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(response, run.nameServer)
	}))
	domain := fmt.Sprintf("http://%s/rocketmq/nsaddr", listening.Addr())
	return run.sendBy(primitive.NewHttpResolver(instance(), domain))
}

// The first of two name servers is not there.
func findByAddresses(run *Run) error {
	return run.sendBy(primitive.NewPassthroughResolver([]string{"127.0.0.1:1", run.nameServer}))
}

func (run *Run) sendBy(resolver primitive.NsResolver) error {
	sender, err := run.producer(producer.WithNsResolver(resolver))
	if err != nil {
		return err
	}
	message := run.message("found")
	result, err := sender.SendSync(context.Background(), message)
	if err == nil {
		run.emitSent(message, result)
	}
	return err
}
