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

// stopped fails unless the program ended well and left its store in order.
func (p *process) stopped() {
	p.t.Helper()
	if state := p.exited(); state.ExitCode() != exitOK {
		p.t.Errorf("exit code %d\n%s", state.ExitCode(), p.log.String())
	}
	if log := p.log.String(); strings.Contains(log, "level=ERROR") || !strings.Contains(log, "msg=stopped") {
		p.t.Errorf("the log is\n%s", log)
	}
	folded(p.t, p.dir)
}

// knock asks for a WebSocket and gives what it is answered.
func (p *process) knock() (*http.Response, string) {
	p.t.Helper()
	r, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"/ws", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	for name, value := range map[string]string{
		"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
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

// testStopWithTime stops the program while it answers, with time to finish: it
// lets nobody in and begins nothing, finishes the answer, and leaves what is
// queued to the next start.
func testStopWithTime(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	c := listen(t, p.client())
	text := strings.TrimSpace(strings.Repeat("word ", 200)) // some five seconds
	running := c.send(`"sessionKey":"k","message":"echo ` + text + `"`)
	queued := c.send(`"sessionKey":"k","message":"echo afterwards"`)
	c.until(func() bool { return c.said[running.RunID] != "" })
	p.signal(syscall.SIGTERM)
	c.until(func() bool { return c.shutdown != nil })
	if c.shutdown.RetryAfterMs <= 0 {
		t.Errorf("clients are told %+v", c.shutdown)
	}
	answer, cause := p.knock()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || !strings.Contains(cause, `"UNAVAILABLE"`) {
		t.Errorf("a new connection: HTTP %d, %v: %s", answer.StatusCode, answer.Header, cause)
	}
	e := c.Refused(protocol.Unavailable, "stopping", protocol.MethodChatSend, `{"sessionKey":"k","message":"echo late"}`)
	if !e.Retryable || e.RetryAfterMs <= 0 {
		t.Errorf("a new run: %+v", e)
	}
	if n := len(c.history("k")); n != 3 {
		t.Errorf("while it stops the transcript has %d messages, want 3", n)
	}
	if code := c.untilClosed(); code != protocol.CloseShutdown {
		t.Errorf("closed with %d", code)
	}
	if c.said[running.RunID] != text || !slices.Equal(c.kinds[running.RunID], []string{protocol.RunStarted, protocol.RunCompleted}) {
		t.Errorf("the answer was streamed as %v, %.40q…", c.kinds[running.RunID], c.said[running.RunID])
	}
	if c.kinds[queued.RunID] != nil {
		t.Errorf("what waited: %v", c.kinds[queued.RunID])
	}
	p.stopped()
	if kinds, said := storedRun(t, p.dir, "k", running.RunID); said != text || !slices.Equal(kinds, c.kinds[running.RunID]) {
		t.Errorf("stored are %v, %.40q…", kinds, said)
	}

	p = startProcess(t, binary, p.dir)
	c = listen(t, p.client())
	transcript := c.settled("k")
	if len(transcript) != 4 || transcript[1].Content != text || transcript[3].Content != "afterwards" ||
		transcript[1].Status != protocol.StatusComplete || transcript[3].Status != protocol.StatusComplete {
		t.Errorf("after the next start: %+v", transcript)
	}
	p.signal(syscall.SIGTERM)
	c.untilClosed()
	p.stopped()
}

// testStopWithoutTime stops it when there is too little: the answer is kept as
// far as it is, and its end is told and stored.
func testStopWithoutTime(t *testing.T, binary string) {
	settings := configFile(t, `{ gateway: { drain_timeout: "300ms" } }`)
	p := startProcess(t, binary, t.TempDir(), "-config", settings)
	c := listen(t, p.client())
	running := c.send(`"sessionKey":"k","message":"slow"`)
	queued := c.send(`"sessionKey":"k","message":"echo afterwards"`)
	c.until(func() bool { return c.said[running.RunID] != "" })
	began := time.Now()
	p.signal(syscall.SIGTERM)
	if code := c.untilClosed(); code != protocol.CloseShutdown || c.shutdown == nil {
		t.Errorf("closed with %d, told %+v", code, c.shutdown)
	}
	said, failure := c.said[running.RunID], c.failed[running.RunID]
	ended := []string{protocol.RunStarted, protocol.RunFailed}
	if !slices.Equal(c.kinds[running.RunID], ended) || failure.Code != protocol.Interrupted || !strings.Contains(failure.Error, "Try again") {
		t.Errorf("the answer ended as %v, %+v", c.kinds[running.RunID], failure)
	}
	p.stopped()
	if took := time.Since(began); took < 300*time.Millisecond || took > 10*time.Second {
		t.Errorf("the stop took %v", took)
	}
	if kinds, stored := storedRun(t, p.dir, "k", running.RunID); stored != said || !slices.Equal(kinds, ended) {
		t.Errorf("stored are %v, %q; streamed was %q", kinds, stored, said)
	}

	p = startProcess(t, binary, p.dir)
	transcript := listen(t, p.client()).settled("k")
	if len(transcript) != 4 || transcript[3].RunID != queued.RunID || transcript[3].Content != "afterwards" {
		t.Fatalf("after the next start: %+v", transcript)
	}
	if kept := transcript[1]; kept.Content != said || kept.Status != protocol.StatusFailed || kept.Error != failure.Error {
		t.Errorf("kept of %q is %+v", said, kept)
	}
}

// testSecondSignal stops it while it answers slowly, and then at once.
func testSecondSignal(t *testing.T, binary string) {
	p := startProcess(t, binary, t.TempDir())
	c := p.client()
	c.OK(protocol.MethodChatSend, `{"message":"slow","ack":"accepted"}`)
	p.signal(syscall.SIGTERM)
	c.Event(protocol.EventShutdown)
	select {
	case <-p.ended:
		t.Fatal("it did not wait for the answer")
	default:
	}
	began := time.Now()
	p.signal(os.Interrupt)
	state := p.exited()
	if status, ok := state.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("it ended with %v, want the signal to end it", state)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %v", took)
	}
}
