package httpd

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/go-chi/chi/v5"

	"github.com/gatehouse-chat/gatehouse/server/internal/audit"
	"github.com/gatehouse-chat/gatehouse/server/internal/pairing"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/markup"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
	"github.com/gatehouse-chat/gatehouse/shared/words"
	"github.com/gatehouse-chat/gatehouse/web/page"
	"github.com/gatehouse-chat/gatehouse/web/part"
)

// chat is GET / and GET /s/{key}: the chat page, with the transcript of the session.
func (s *server) chat(w http.ResponseWriter, r *http.Request) {
	device, err := s.findDevice(r)
	switch {
	case err != nil:
		s.showError(w, r, err)
		return
	case device == nil, device.Renew:
		s.showGate(w, r)
		return
	}
	key, err := url.PathUnescape(chi.URLParam(r, "key"))
	if err != nil {
		s.notFound(w, r)
		return
	}
	m := page.ChatModel{Site: s.site, Viewer: viewer(device), State: markup.StateReady,
		SessionKey: key,
		Title:      words.NewSession, Suggestions: s.settings(r).suggestions(),
		Agent: s.settings(r).Agents[0].Name}
	status := http.StatusOK
	err = s.fillTranscript(r, device, &m)
	if refused := new(protocol.Error); errors.As(err, &refused) && refused.Code == protocol.NotFound {
		// The client gets the page all the same: its outbox may have the first message of
		// a session that the gateway does not know yet.
		status, err = http.StatusNotFound, nil
		m.State, m.Title = markup.StateGone, words.NoSession
	}
	if err != nil {
		s.showError(w, r, err)
		return
	}
	if err := s.fillSessions(r, device, &m); err != nil {
		s.showError(w, r, err)
		return
	}
	s.render(w, r, status, page.Chat(m))
}

func (s *server) fillTranscript(r *http.Request, device *pairing.Device, m *page.ChatModel) error {
	if m.SessionKey == "" {
		return nil
	}
	p, err := s.Sessions.History(r.Context(), callerOf(device).To(m.SessionKey), 0,
		protocol.DefaultHistoryLimit)
	if err != nil {
		return err
	}
	m.Title, m.Agent = words.Session(p.Session.Label), s.settings(r).agentName(p.Session.AgentID)
	if p.Session.UserID != device.UserID {
		m.Owner = p.Session.UserID
		if err := s.auditReading(r, device, audit.SessionRead, audit.Session(m.SessionKey)); err != nil {
			return err
		}
	}
	m.Epoch, m.LastSeq, m.HasMore, m.Running = p.Session.Epoch, p.Session.LastSeq, p.HasMore,
		p.Session.Running
	if err := s.Formatter.Messages(r.Context(), device.UserID, p.Messages); err != nil {
		// A page is better than none: its messages are shown as plain text.
		s.Log.Debug("page not formatted", "user", device.UserID, "error", err)
	}
	m.Messages = make([]part.Message, len(p.Messages))
	for i := range p.Messages {
		m.Messages[i] = s.message(&p.Messages[i], m.Agent)
		if !m.Messages[i].ByOther {
			m.Messages[i].Author = m.Owner
		}
	}
	return nil
}

func (s *server) message(m *protocol.Message, agent string) part.Message {
	shown := part.Message{
		From: string(m.Role), ID: m.ID, RunID: m.RunID, Seq: m.Seq, Status: string(m.Status),
		Time: clock(m.CreatedAt), Text: m.Content, Name: agent, Label: m.Label, Thinking: m.Thinking,
		Error: m.Error, Finish: string(m.Finish),
	}
	for i := range m.Media {
		shown.Files = append(shown.Files, part.FileOf(&m.Media[i]))
	}
	if m.HTML != nil {
		shown.Blocks = m.HTML.Blocks
	}
	if m.Author != nil {
		shown.ByOther, shown.Author = true, m.Author.UserID
	}
	return shown
}

func (s *server) fillSessions(r *http.Request, device *pairing.Device, m *page.ChatModel) error {
	list, err := s.Sessions.List(r.Context(),
		session.List{UserID: device.UserID, Limit: protocol.DefaultListLimit})
	if err != nil {
		return err
	}
	m.Sessions = sessionItems(list.Sessions, m.SessionKey)
	if device.Role.Allows(protocol.Admin) {
		waiting, err := s.Pairings.List(r.Context())
		if err != nil {
			return err
		}
		m.Pending = words.Badge(len(waiting.Pending))
	}
	return nil
}

// sessionItems is the list of chats; current is the key of the chat that is shown.
func sessionItems(list []session.Record, current string) []part.Session {
	items := make([]part.Session, 0, len(list))
	for _, rec := range list {
		items = append(items, part.Session{
			Key: rec.Key, Label: words.Session(rec.Label), Time: ago(protocol.At(rec.UpdatedAt)),
			Running: rec.Running, Pinned: rec.Pinned, Current: rec.Key == current,
		})
	}
	return items
}
