package httpd

import (
	"net/http"
	"slices"

	"github.com/gatehouse-chat/gatehouse/shared/protocol"
)

// v3Agents is GET /v1/agents, for clients of v3: the agents to chat with.
func (s *server) v3Agents(w http.ResponseWriter, r *http.Request) {
	if _, err := s.requireRole(r, protocol.Viewer); err != nil {
		s.refuse(w, r, err)
		return
	}
	result := protocol.AgentsResult{Agents: []protocol.AgentEntry{}}
	for _, a := range s.settings(r).Agents {
		result.Agents = append(result.Agents, protocol.AgentEntry{
			ID: a.ID, AgentKey: a.ID, DisplayName: a.Name, Provider: a.Provider, Model: a.Model,
			Status: "active", IsDefault: a.Default,
		})
	}
	writeJSON(w, http.StatusOK, result.AppendJSON(nil))
}

// v3Providers is GET /v1/providers, for clients of v3: the providers of the agents.
func (s *server) v3Providers(w http.ResponseWriter, r *http.Request) {
	if _, err := s.requireRole(r, protocol.Viewer); err != nil {
		s.refuse(w, r, err)
		return
	}
	result := protocol.ProvidersResult{Providers: []protocol.ProviderEntry{}}
	for _, a := range s.settings(r).Agents {
		entry := protocol.ProviderEntry{Name: a.Provider, Enabled: true, APIKey: "***"}
		if !slices.Contains(result.Providers, entry) {
			result.Providers = append(result.Providers, entry)
		}
	}
	writeJSON(w, http.StatusOK, result.AppendJSON(nil))
}
