package main

import (
	"fmt"
	"hash/crc32"
)

const longestShown = 200

// The text itself, or for a long body its length and CRC-32, which is enough to compare.
func textOf(body []byte) string {
	if len(body) <= longestShown {
		return string(body)
	}
	return fmt.Sprintf("%d bytes, crc %x", len(body), crc32.ChecksumIEEE(body))
}

// The bytes that java.util.Random gives for a seed.
func javaNoise(seed int64, count int) []byte {
	const multiplier, mask = 0x5DEECE66D, 1<<48 - 1
	state := (seed ^ multiplier) & mask
	noise := make([]byte, count)
	for i := 0; i < count; i += 4 {
		state = (state*multiplier + 0xB) & mask
		word := int32(state >> 16)
		for j := 0; j < 4 && i+j < count; j++ {
			noise[i+j] = byte(word >> (8 * j))
		}
	}
	return noise
}
