package run

import (
	"github.com/gatehouse-chat/gatehouse/server/internal/agent"
	"github.com/gatehouse-chat/gatehouse/server/internal/session"
	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// prompt returns the newest messages of a transcript in the form that agents take.
// Messages without text and files, such as failed answers, are left out.
func prompt(history []session.Message, limit int) []agent.Message {
	all := make([]agent.Message, 0, len(history))
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
		all = append(all, agent.Message{Role: role, Text: m.Content, Files: toFiles(m.Media)})
	}
	return agent.Window(all, limit, historyBytes)
}
