package native_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/client/follow"
	"github.com/gatehouse-chat/gatehouse/shared/client/native"
	"github.com/gatehouse-chat/gatehouse/shared/jsontext"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/timeline"
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

// A program follows a session through losses. Here the connection is cut in the
// middle of an answer: the rest of it is there when the client is back, and no
// word comes twice.
func Example_following() {
	const session = "agent:demo:ws:direct:example"
	gateway := newGateway() // yours is at ws://localhost:8080/ws
	gateway.cut = 4
	defer gateway.server.Close()

	transport, err := native.NewTransport(gateway.address(), native.Options{})
	if err != nil {
		log.Fatal(err)
	}
	var f *follow.Follower
	done := make(chan struct{})
	said := false
	f = follow.New(client.Options{
		Transport: transport,
		Hello:     protocol.ConnectParams{Token: "open-sesame", UserID: "example"},
		OnState: func(s client.State) {
			if s.Phase == client.Waiting {
				fmt.Println("(lost)")
				f.Client.TryNow() // or wait until it comes back by itself
			}
		},
	}, func(s *follow.Session, changes []timeline.Change) {
		if changes == nil && !said { // the transcript so far is in s.Log
			said = true
			f.Client.Call(protocol.MethodChatSend, &protocol.ChatSendParams{
				SessionKey:     session,
				Message:        "Good evening, gatehouse",
				IdempotencyKey: "example-2", // with it, sending again is safe
				Ack:            protocol.AckAccepted,
			}, func(_ jsontext.Raw, err *protocol.Error) {
				if err != nil {
					log.Print(err)
				}
			})
		}
		for _, c := range changes {
			switch c.Kind {
			case timeline.Text:
				fmt.Println(c.Text)
			case timeline.Status:
				fmt.Println(s.Log.Message(c.MessageID).Status)
				close(done)
			}
		}
	})
	f.Client.Start()
	defer f.Client.Stop()
	f.Follow(session)

	select {
	case <-done:
	case <-time.After(10 * time.Second):
		log.Print("no answer")
	}
	// Output:
	// 1 Good
	// (lost)
	// 2 evening,
	// 3 gatehouse
	// complete
}
