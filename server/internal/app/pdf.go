package app

import (
	"context"
	"errors"
	"log/slog"
	"os"

	"github.com/gatehouse-chat/gatehouse/server/internal/pdftext"
)

// pdfText returns the function that package media needs to read PDFs; nil if there is no
// command that reads them.
func pdfText(command []string, log *slog.Logger) func(context.Context, *os.File) (string, error) {
	if len(command) == 0 {
		return nil
	}
	extractor := pdftext.New(command...)
	return func(ctx context.Context, file *os.File) (string, error) {
		text, err := extractor.Extract(ctx, file)
		switch {
		case errors.Is(err, pdftext.ErrUnreadable):
			log.Debug("a PDF has no text for models", "error", err)
			return "", nil
		case err != nil && ctx.Err() == nil:
			log.Warn("a PDF could not be read", "error", err)
		}
		return text, err
	}
}
