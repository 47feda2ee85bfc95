package run

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// prompt turns a transcript into what an agent is given. Answers that said
// nothing are left out.
func prompt(history []session.Message, messages int) []agent.Message {
	said := make([]agent.Message, 0, len(history))
	for _, m := range history {
		if m.Content == "" && len(m.Media) == 0 {
			continue
		}
		role := agent.User
		switch m.Role {
		case protocol.FromAssistant:
			role = agent.Assistant
		case protocol.FromSystem:
			role = agent.System
		}
		said = append(said, agent.Message{Role: role, Text: m.Content, Files: named(m.Media)})
	}
	return agent.Window(said, messages, historyBytes)
}
