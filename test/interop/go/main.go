// Runs named scenarios with the unmodified Go client and prints what happened, one JSON object a line.
//
//	peer NAME_SERVER RUN SCENARIO...
//
// RUN sets this run's topics and groups apart from others on the same broker. All scenarios run at once, each on its own
// clients. Each ends with a line whose event is "done" or "failed"; what the lines should say is judged by the tests that
// start this program. On SIGTERM clients shut down.
package main

import (
	"fmt"
	"os"
	"sync"
)

// Beside those of later.go.
var scenarios = map[string]func(*Run) error{
	"sync":        sendSync,
	"async":       sendAsync,
	"oneway":      sendOneWay,
	"batch":       sendBatch,
	"properties":  sendProperties,
	"large":       sendLarge,
	"delay":       sendDelayed,
	"sharding":    sendBySharding,
	"transaction": transaction,
	"tags":        consumeTags,
	"sql":         consumeBySQL,
	"from":        consumeFrom,
	"retry":       consumeAndRetry,
	"level":       retryByLevel,
	"orderly":     consumeOrderly,
	"orderlyDead": giveUpInOrder,
	"offsets":     comeBack,
	"broadcast":   broadcast,
	"reset":       beReset,
	"inspect":     beInspected,
	"pull":        pull,
	"poll":        poll,
	"ask":         ask,
	"answer":      answer,
	"trace":       traced,
	"admin":       administrate,
	"domain":      findByDomain,
	"addresses":   findByAddresses,
	"namespace":   inNamespace,
	"signed":      sign,
	"exchange":    exchange,
	"listen":      listen,
	"member":      member,
}

func main() {
	var all sync.WaitGroup
	for _, name := range os.Args[3:] {
		scenario, exists := scenarios[name]
		if !exists {
			panic("no scenario " + name)
		}
		run := &Run{nameServer: os.Args[1], name: os.Args[2], scenario: name}
		all.Add(1)
		go func() {
			defer all.Done()
			runToTheEnd(scenario, run)
		}()
	}
	all.Wait()
}

func runToTheEnd(scenario func(*Run) error, run *Run) {
	defer func() {
		if panicked := recover(); panicked != nil {
			run.emit("failed", fields{"error": fmt.Sprint(panicked)})
		}
	}()
	err := scenario(run)
	run.shutdownClients()
	if err != nil {
		run.emit("failed", fields{"error": err.Error()})
		return
	}
	run.emit("done", nil)
}
