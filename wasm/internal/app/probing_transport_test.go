//go:build !js

package app

import (
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/client"
)

// While nobody answers, the page opens no socket; as soon as somebody does, it opens one.
func TestSocketsWaitForTheGateway(t *testing.T) {
	for _, status := range []int{0, 502, 503, 504} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			withPage(t, sessionPage, withHistory, func(s *harness) {
				healthStatus := status
				s.browser.routes = healthy()
				s.browser.routes["GET /health"] = func() (int, string) { return healthStatus, "" }
				dialled := s.gateway.dialled
				s.gateway.cut(1006, "", true)
				s.wait(5 * time.Minute)
				eq(t, "sockets while nobody answers", s.gateway.dialled, dialled)
				healthStatus = 404
				s.gateway.up()
				s.act("reconnect-now", s.browser.Get("connection"))
				s.wait(time.Second)
				eq(t, "sockets when somebody answers", s.gateway.dialled, dialled+1)
				eq(t, "the pill", s.browser.Get("connection").Attr("data-state"), "connected")
			})
		})
	}
}

// A check that finds nothing wrong connects at once, without the wait for the next try.
func TestCheckConnects(t *testing.T) {
	withPage(t, sessionPage, withHistory, func(s *harness) {
		s.browser.routes = healthy()
		s.gateway.cut(1006, "", true)
		s.wait(2 * time.Minute)
		s.gateway.up()
		s.act("examine", s.browser.Get("doctor-dialog"))
		s.wait(time.Second)
		eq(t, "the finding", s.browser.Get("doctor-dialog").Attr("data-state"), "fine")
		eq(t, "the pill", s.browser.Get("connection").Attr("data-state"), "connected")
	})
}

// A question that is never answered does not keep the page from coming back.
func TestSocketsDoNotWaitLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var answer func(int, string)
		gateway := &countingTransport{}
		p := &probingTransport{Transport: gateway,
			fetch: func(_, _, _ string, done func(int, string)) { answer = done }}
		p.Dial(nil)
		p.Dial(nil)
		time.Sleep(900 * time.Millisecond)
		synctest.Wait()
		eq(t, "sockets at first", gateway.dialled.Load(), 1)
		time.Sleep(200 * time.Millisecond)
		synctest.Wait()
		eq(t, "sockets after a second", gateway.dialled.Load(), 2)
		answer(0, "")
		eq(t, "sockets after a late answer", gateway.dialled.Load(), 2)
	})
}

// A socket that is closed while the gateway is asked does not open later.
func TestClosedBeforeTheGatewayAnswers(t *testing.T) {
	var answer func(int, string)
	gateway := &countingTransport{}
	p := &probingTransport{Transport: gateway,
		fetch: func(_, _, _ string, done func(int, string)) { answer = done }}
	p.Dial(nil)
	closed := make(chan int, 1)
	s := p.Dial(closeRecorder(closed))
	s.Send([]byte("x"))
	s.Close(1000, "")
	answer(200, "")
	eq(t, "the close code", <-closed, 1006)
	eq(t, "sockets", gateway.dialled.Load(), 1)
}

// countingTransport counts its sockets, which never open.
type countingTransport struct{ dialled atomic.Int32 }

func (t *countingTransport) Dial(client.SocketHandler) client.Socket {
	t.dialled.Add(1)
	return nil
}

// closeRecorder passes on the code of a close.
type closeRecorder chan int

func (c closeRecorder) Opened()                   {}
func (c closeRecorder) Message([]byte)            {}
func (c closeRecorder) Closed(code int, _ string) { c <- code }
