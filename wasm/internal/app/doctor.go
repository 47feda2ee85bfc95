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
	probePatience = 10 * clock.Second // to open a WebSocket
)

// doctor finds out why the page cannot connect. Browsers tell scripts nothing about a
// WebSocket that fails to open (HTML §9.3.4). So the doctor checks what the WebSocket
// needs, part by part and by other means: the first part that fails is the cause.
type doctor struct {
	running    bool
	ran        bool // since the last connection
	showResult bool // the user asked: the dialog is open whatever the result is
	result     view.Doctor
}

// examineIfFailing starts the doctor when connecting has failed failingAfter times in a
// row. The dialog opens only if waiting will not help.
func (s *basePage) examineIfFailing(st client.State) {
	switch {
	case st.Phase == client.Ready:
		s.doctor.ran = false
	case st.Phase == client.Waiting && st.Attempt >= failingAfter && !s.doctor.ran:
		s.examine(false)
	}
}

// examine checks the parts of the way to the gateway, up to the first that fails. show
// opens the dialog at once.
func (s *basePage) examine(show bool) {
	d := &s.doctor
	d.showResult = d.showResult || show
	if show {
		view.OpenDoctor(s.doc)
	}
	if d.running {
		return
	}
	d.running, d.ran = true, true
	d.result = view.Doctor{State: markup.DoctorChecking, Address: s.browser.Origin()}
	network := markup.CheckGood
	if !s.browser.Online() {
		network = markup.CheckBad
	}
	s.checked(markup.CheckNetwork, network, "")
	s.tryHealth()
}

// checked shows the result of one part; the next one is being checked.
func (s *basePage) checked(part, state, finding string) {
	s.doctor.result.Checks = append(s.doctor.result.Checks,
		view.Check{Part: part, State: state, Finding: finding})
	view.DrawDoctor(s.doc, s.doctor.result)
}

// diagnose ends the checks with a result, a markup.Doctor… value.
func (s *basePage) diagnose(state, message string) {
	d := &s.doctor
	d.running, d.result.State, d.result.Message = false, state, message
	view.DrawDoctor(s.doc, d.result)
	switch state {
	case markup.DoctorRoute, markup.DoctorOrigin, markup.DoctorUpgrade:
		if !d.showResult && s.connState.Phase != client.Ready {
			view.OpenDoctor(s.doc)
		}
	}
	d.showResult = false
}

// probe makes an HTTP request. done is called with the status, the message if the answer
// is an error of the gateway, and the answer's text.
func (s *basePage) probe(method, path string, done func(status int, message, answer string)) {
	s.browser.Fetch(method, path, "", func(status int, answer string) {
		s.do(func() {
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

func (s *basePage) tryHealth() {
	s.probe("GET", "/health", func(status int, _, answer string) {
		switch {
		case status == 200 && text.Contains(answer, `"protocol"`):
			s.checked(markup.CheckHealth, markup.CheckGood, "")
			s.tryRoute()
			return
		case status == 0 && !s.browser.Online():
			s.diagnose(markup.DoctorOffline, "")
			return
		}
		s.checked(markup.CheckHealth, markup.CheckBad, httpStatus(status))
		if status == 0 {
			s.diagnose(markup.DoctorSilent, "")
		} else {
			s.diagnose(markup.DoctorStranger, "")
		}
	})
}

// tryRoute makes a plain HTTP request to the WebSocket's address. A gateway answers 426
// (Upgrade Required); anything else means that the request does not reach the gateway.
func (s *basePage) tryRoute() {
	s.probe("GET", "/ws", func(status int, message, _ string) {
		switch status {
		case 426:
			s.checked(markup.CheckRoute, markup.CheckGood, "")
			s.tryOrigin()
			return
		case 429, 503:
			s.checked(markup.CheckRoute, markup.CheckBad, httpStatus(status))
			s.diagnose(markup.DoctorFull, message)
			return
		}
		s.checked(markup.CheckRoute, markup.CheckBad, httpStatus(status))
		s.diagnose(markup.DoctorRoute, "")
	})
}

// tryOrigin checks whether the gateway accepts this page's origin. The gateway checks the
// origin of an upload before anything else, so an empty upload tells, and stores nothing.
func (s *basePage) tryOrigin() {
	s.probe("POST", protocol.MediaPath+"upload", func(status int, message, _ string) {
		if status == 403 && text.Contains(message, "allowed_origins") {
			s.checked(markup.CheckOrigin, markup.CheckBad, "")
			s.diagnose(markup.DoctorOrigin, message)
			return
		}
		s.checked(markup.CheckOrigin, markup.CheckGood, "")
		s.trySocket()
	})
}

func (s *basePage) trySocket() {
	over := false
	end := func(opened bool) {
		s.do(func() {
			if over {
				return
			}
			over = true
			if opened {
				s.checked(markup.CheckSocket, markup.CheckGood, "")
				s.diagnose(markup.DoctorFine, "")
				return
			}
			s.checked(markup.CheckSocket, markup.CheckBad, "")
			s.diagnose(markup.DoctorUpgrade, "")
		})
	}
	p := &probe{end: end}
	p.socket = s.transport.Dial(p)
	clock.AfterFunc(probePatience, func() {
		end(false)
		p.socket.Close(1000, "")
	})
}

// probe is a WebSocket that is closed as soon as it has opened.
type probe struct {
	end    func(opened bool)
	socket client.Socket
}

func (p *probe) Opened() {
	p.end(true)
	p.socket.Close(1000, "")
}

func (p *probe) Message([]byte) {}

func (p *probe) Closed(int, string) { p.end(false) }
