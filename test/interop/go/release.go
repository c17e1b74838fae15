//go:build v2_1_2

// The client 2.1.2 as the others call it.
package main

import (
	"github.com/apache/rocketmq-client-go/v2/admin"
	"github.com/apache/rocketmq-client-go/v2/primitive"
)

const unknownState = primitive.UnknowState

// It cannot ask for the clusters of a topic.
func clustersOf(admin.Admin, string) ([]string, error) {
	return []string{"DefaultCluster"}, nil
}
