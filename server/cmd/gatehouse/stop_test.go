package main

import (
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// checkStopped fails unless the program has ended without errors and has closed its
// store.
func (p *process) checkStopped() {
	p.t.Helper()
	if state := p.waitExit(); state.ExitCode() != exitOK {
		p.t.Errorf("exit code %d\n%s", state.ExitCode(), p.log.String())
	}
	if log := p.log.String(); strings.Contains(log, "level=ERROR") ||
		!strings.Contains(log, "msg=stopped") {
		p.t.Errorf("the log is\n%s", log)
	}
	checkNoWAL(p.t, p.dir)
}

// requestWebSocket requests a WebSocket, and returns the response and its body.
func (p *process) requestWebSocket() (*http.Response, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"/ws", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
		"Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
	} {
		r.Header.Set(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		p.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return answer, "" // its body is the socket
	}
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	return answer, string(body)
}

// testStopWaitsForAnswers stops the program while it answers, and leaves enough time. It
// must refuse new connections and runs, complete the answer, and leave queued runs to the
// next start.
func testStopWaitsForAnswers(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	c := newClient(t, p.client())
	text := strings.TrimSpace(strings.Repeat("word ", 200)) // takes about five seconds
	running := c.send(`"sessionKey":"k","message":"echo ` + text + `"`)
	queued := c.send(`"sessionKey":"k","message":"echo afterwards"`)
	c.waitFor(func() bool { return c.text[running.RunID] != "" })
	p.signal(syscall.SIGTERM)
	c.waitFor(func() bool { return c.shutdown != nil })
	if c.shutdown.RetryAfterMs <= 0 {
		t.Errorf("clients got %+v", c.shutdown)
	}
	answer, cause := p.requestWebSocket()
	if answer.StatusCode != http.StatusServiceUnavailable ||
		answer.Header.Get("Retry-After") == "" || !strings.Contains(cause, `"UNAVAILABLE"`) {
		t.Errorf("a new connection: HTTP %d, %v: %s", answer.StatusCode, answer.Header, cause)
	}
	e := c.Refused(protocol.Unavailable, "stopping", protocol.MethodChatSend,
		`{"sessionKey":"k","message":"echo late"}`)
	if !e.Retryable || e.RetryAfterMs <= 0 {
		t.Errorf("a new run: %+v", e)
	}
	if n := len(c.history("k")); n != 3 {
		t.Errorf("while it stops the transcript has %d messages, want 3", n)
	}
	if code := c.waitClosed(); code != protocol.CloseShutdown {
		t.Errorf("closed with %d", code)
	}
	if c.text[running.RunID] != text ||
		!slices.Equal(c.kinds[running.RunID],
			[]string{protocol.RunStarted, protocol.RunCompleted}) {
		t.Errorf("the answer was streamed as %v, %.40q…", c.kinds[running.RunID],
			c.text[running.RunID])
	}
	if c.kinds[queued.RunID] != nil {
		t.Errorf("the queued run has the events %v", c.kinds[queued.RunID])
	}
	p.checkStopped()
	if kinds, stored := storedRun(t, p.dir, "k", running.RunID); stored != text ||
		!slices.Equal(kinds, c.kinds[running.RunID]) {
		t.Errorf("the stored run is %v, %.40q…", kinds, stored)
	}

	p = startProcess(t, binary, p.dir)
	c = newClient(t, p.client())
	transcript := c.waitIdle("k")
	if len(transcript) != 4 || transcript[1].Content != text ||
		transcript[3].Content != "afterwards" ||
		transcript[1].Status != protocol.StatusComplete ||
		transcript[3].Status != protocol.StatusComplete {
		t.Errorf("after the next start: %+v", transcript)
	}
	p.signal(syscall.SIGTERM)
	c.waitClosed()
	p.checkStopped()
}

// testStopEndsAnswers stops the program while it answers, without enough time. The text
// so far must be kept, and the failure must be sent and stored.
func testStopEndsAnswers(t *testing.T, binary string) {
	settings := configFile(t, `{ gateway: { drain_timeout: "300ms" } }`)
	p := startProcess(t, binary, t.TempDir(), "-config", settings)
	c := newClient(t, p.client())
	running := c.send(`"sessionKey":"k","message":"slow"`)
	queued := c.send(`"sessionKey":"k","message":"echo afterwards"`)
	c.waitFor(func() bool { return c.text[running.RunID] != "" })
	start := time.Now()
	p.signal(syscall.SIGTERM)
	if code := c.waitClosed(); code != protocol.CloseShutdown || c.shutdown == nil {
		t.Errorf("closed with %d after %+v", code, c.shutdown)
	}
	streamed, failure := c.text[running.RunID], c.failed[running.RunID]
	ended := []string{protocol.RunStarted, protocol.RunFailed}
	if !slices.Equal(c.kinds[running.RunID], ended) || failure.Code != protocol.Interrupted ||
		!strings.Contains(failure.Error, "Try again") {
		t.Errorf("the answer ended as %v, %+v", c.kinds[running.RunID], failure)
	}
	p.checkStopped()
	if took := time.Since(start); took < 300*time.Millisecond || took > 10*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if kinds, stored := storedRun(t, p.dir, "k", running.RunID); stored != streamed ||
		!slices.Equal(kinds, ended) {
		t.Errorf("the stored run is %v, %q; streamed was %q", kinds, stored, streamed)
	}

	p = startProcess(t, binary, p.dir)
	transcript := newClient(t, p.client()).waitIdle("k")
	if len(transcript) != 4 || transcript[3].RunID != queued.RunID ||
		transcript[3].Content != "afterwards" {
		t.Fatalf("after the next start: %+v", transcript)
	}
	if kept := transcript[1]; kept.Content != streamed || kept.Status != protocol.StatusFailed ||
		kept.Error != failure.Error {
		t.Errorf("streamed was %q, kept is %+v", streamed, kept)
	}
}

// testSecondSignal signals the program while it answers, and a second time while it waits
// for the answer. The second signal must end it at once.
func testSecondSignal(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	c := p.client()
	c.OK(protocol.MethodChatSend, `{"message":"slow","ack":"accepted"}`)
	p.signal(syscall.SIGTERM)
	c.Event(protocol.EventShutdown)
	select {
	case <-p.ended:
		t.Fatal("the process did not wait for the answer")
	default:
	}
	start := time.Now()
	p.signal(os.Interrupt)
	state := p.waitExit()
	if status, ok := state.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("the process ended with %v, want it killed by the signal", state)
	}
	if took := time.Since(start); took > 10*time.Second {
		t.Errorf("the end took %v", took)
	}
}
