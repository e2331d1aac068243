// rates: exchange rates, from a program in Go. Every now and then it panics, as programs do:
// Go then ends with exit code 2, which is an `error` to its supervisor.
package main

import (
	"fmt"
	"math/rand"
	"os"
	"time"
)

func main() {
	ticks := time.NewTicker(2 * time.Second)
	var history map[string]float64 // Nobody made it: writing to it panics.
	for n := 1; ; n++ {
		rate := 1 + rand.Float64()/10
		fmt.Printf("%s %.4f\n", os.Getenv("PAIR"), rate)
		if n == 8 {
			history["last"] = rate
		}
		<-ticks.C
	}
}
