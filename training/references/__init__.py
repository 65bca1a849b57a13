"""Reference tables of scoring: what true faces of `fit` people score under known degradations."""
