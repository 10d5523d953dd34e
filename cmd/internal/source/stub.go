package source

import "context"

type Checkout struct{ Dir, Rev string }

func (s *Source) Sync(ctx context.Context, r Repository) (*Checkout, error) { return nil, ErrNoHistory }
