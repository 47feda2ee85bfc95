package app

import (
	"github.com/gatehouse-chat/gatehouse/shared/client"
	"github.com/gatehouse-chat/gatehouse/shared/clock"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/text"
	"github.com/gatehouse-chat/gatehouse/wasm/internal/view"
)

const (
	failingAfter  = 3                 // attempts to connect in a row
	socketTimeout = 10 * clock.Second // to open a WebSocket
)

// doctor is the state of the checks that find out why the page cannot connect. Browsers tell
// scripts nothing about a WebSocket that fails to open (HTML §9.3.4). So the checks test, one
// by one, what the WebSocket needs: the first check that fails shows the cause.
type doctor struct {
	running    bool
	ran        bool // the checks have run since the last connection
	showResult bool // the user asked: the dialog is open whatever the result is
	result     view.Doctor
}

// checkIfFailing starts the doctor when connecting has failed failingAfter times in a
// row. The dialog opens only if waiting will not help.
func (b *basePage) checkIfFailing(st client.State) {
	switch {
	case st.Phase == client.Ready:
		b.doctor.ran = false
	case st.Phase == client.Waiting && st.Attempt >= failingAfter && !b.doctor.ran:
		b.startChecks(false)
	}
}

// startChecks checks the parts of the way to the gateway, up to the first that fails. show
// opens the dialog at once.
func (b *basePage) startChecks(show bool) {
	d := &b.doctor
	d.showResult = d.showResult || show
	if show {
		view.OpenDoctor(b.doc)
	}
	if d.running {
		return
	}
	d.running, d.ran = true, true
	d.result = view.Doctor{State: markup.DoctorChecking, Address: b.browser.Origin() + b.link("")}
	network := markup.CheckGood
	if !b.browser.Online() {
		network = markup.CheckBad
	}
	b.checked(markup.CheckNetwork, network, "")
	b.tryHealth()
}

// checked shows the result of one part; the next one is being checked.
func (b *basePage) checked(part, state, finding string) {
	b.doctor.result.Checks = append(b.doctor.result.Checks,
		view.Check{Part: part, State: state, Finding: finding})
	view.DrawDoctor(b.doc, b.doctor.result)
}

// endChecks ends the checks with a result, a markup.Doctor… value.
func (b *basePage) endChecks(state, message string) {
	d := &b.doctor
	d.running, d.result.State, d.result.Message = false, state, message
	view.DrawDoctor(b.doc, d.result)
	switch state {
	case markup.DoctorRoute, markup.DoctorHost, markup.DoctorOrigin, markup.DoctorUpgrade:
		if !d.showResult && b.connState.Phase != client.Ready {
			view.OpenDoctor(b.doc)
		}
	}
	d.showResult = false
}

// probeHTTP makes an HTTP request. done is called with the status, the message if the answer
// is an error of the gateway, and the answer's text.
func (b *basePage) probeHTTP(method, path string, done func(status int, message, answer string)) {
	b.browser.Fetch(method, path, "", func(status int, answer string) {
		b.do(func() {
			message := ""
			if err := parseError(answer); err != nil {
				message = err.Message
			}
			done(status, message, answer)
		})
	})
}

func httpStatus(status int) string {
	if status == 0 {
		return "no answer"
	}
	return "HTTP " + decimal(int64(status))
}

func (b *basePage) tryHealth() {
	b.probeHTTP("GET", "/health", func(status int, _, answer string) {
		switch {
		case status == 200 && text.Contains(answer, `"protocol"`):
			b.checked(markup.CheckHealth, markup.CheckGood, "")
			b.tryRoute()
			return
		case status == 0 && !b.browser.Online():
			b.endChecks(markup.DoctorOffline, "")
			return
		}
		b.checked(markup.CheckHealth, markup.CheckBad, httpStatus(status))
		if status == 0 {
			b.endChecks(markup.DoctorSilent, "")
		} else {
			b.endChecks(markup.DoctorStranger, "")
		}
	})
}

// tryRoute makes a plain HTTP request to the WebSocket's address. A gateway answers 426
// (Upgrade Required); anything else means that the request does not reach the gateway.
func (b *basePage) tryRoute() {
	b.probeHTTP("GET", "/ws", func(status int, message, _ string) {
		switch status {
		case 426:
			b.checked(markup.CheckRoute, markup.CheckGood, "")
			b.tryOrigin()
			return
		case 421:
			b.checked(markup.CheckRoute, markup.CheckGood, "")
			b.endHostUnknown(message)
			return
		case 429, 503:
			b.checked(markup.CheckRoute, markup.CheckBad, httpStatus(status))
			b.endChecks(markup.DoctorFull, message)
			return
		}
		b.checked(markup.CheckRoute, markup.CheckBad, httpStatus(status))
		b.endChecks(markup.DoctorRoute, "")
	})
}

// tryOrigin checks whether the gateway accepts this page's origin. The gateway checks the
// origin of an upload before anything else, so an empty upload tells, and stores nothing.
func (b *basePage) tryOrigin() {
	b.probeHTTP("POST", protocol.MediaPath+"upload", func(status int, message, _ string) {
		if status == 421 {
			b.endHostUnknown(message)
			return
		}
		if status == 403 && text.Contains(message, " is not allowed: ") {
			b.checked(markup.CheckOrigin, markup.CheckBad, "")
			b.endChecks(markup.DoctorOrigin, message)
			return
		}
		b.checked(markup.CheckOrigin, markup.CheckGood, "")
		b.trySocket()
	})
}

// endHostUnknown ends the checks because the gateway does not know the page's host. Over
// plain HTTP only the request that carries an Origin header is refused for that.
func (b *basePage) endHostUnknown(message string) {
	b.checked(markup.CheckOrigin, markup.CheckBad, httpStatus(421))
	b.endChecks(markup.DoctorHost, message)
}

func (b *basePage) trySocket() {
	over := false
	end := func(opened bool) {
		b.do(func() {
			if over {
				return
			}
			over = true
			if opened {
				b.checked(markup.CheckSocket, markup.CheckGood, "")
				b.endChecks(markup.DoctorFine, "")
				b.tryNow() // the next try need not wait
				return
			}
			b.checked(markup.CheckSocket, markup.CheckBad, "")
			b.endChecks(markup.DoctorUpgrade, "")
		})
	}
	p := &socketProbe{end: end}
	p.socket = b.transport.Dial(p)
	clock.AfterFunc(socketTimeout, func() {
		end(false)
		p.socket.Close(1000, "")
	})
}

// socketProbe is a WebSocket that is closed as soon as it has opened.
type socketProbe struct {
	end    func(opened bool)
	socket client.Socket
}

func (p *socketProbe) Opened() {
	p.end(true)
	p.socket.Close(1000, "")
}

func (p *socketProbe) Message([]byte) {}

func (p *socketProbe) Closed(int, string) { p.end(false) }
