"""What the nodes share: quality of service, parameters, subscriptions, ticker, diagnostics, actions."""
