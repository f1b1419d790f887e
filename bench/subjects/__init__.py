"""What the gateway is measured beside: each serves the home page of the bearer of a token at `POST /graphql`."""
