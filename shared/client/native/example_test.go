package native_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client/native"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// A program connects with a token, says something, and prints the answer as it
// comes.
func ExampleDial() {
	gateway := newGateway() // yours is at ws://localhost:8080/ws
	defer gateway.server.Close()

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()

	answer := make(chan protocol.AgentEvent, 100)
	c, err := native.Dial(ctx, gateway.address(), native.Options{
		Hello: protocol.ConnectParams{Token: "open-sesame", UserID: "example"},
		OnEvent: func(f protocol.Frame) {
			var e protocol.AgentEvent
			if f.Event == protocol.EventAgent && protocol.Decode(f.Payload, &e) == nil {
				answer <- e
			}
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer c.Stop()

	var sent protocol.ChatSendResult
	err = c.Request(ctx, protocol.MethodChatSend, &protocol.ChatSendParams{
		SessionKey:     "agent:demo:ws:direct:example",
		Message:        "Good evening, gatehouse",
		IdempotencyKey: "example-1",
		Ack:            protocol.AckAccepted, // answer when the message is safe, not when the run is over
	}, &sent)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(sent.Status)

	for e := range answer {
		switch e.Type {
		case protocol.RunChunk:
			var text protocol.TextPayload
			if err := protocol.Decode(e.Payload, &text); err != nil {
				log.Fatal(err)
			}
			fmt.Println(text.Content)
		case protocol.RunCompleted, protocol.RunFailed, protocol.RunCancelled:
			fmt.Println(e.Type)
			return
		}
	}
	// Output:
	// accepted
	// 1 Good
	// 2 evening,
	// 3 gatehouse
	// run.completed
}
