"""Expected harm: severity weighted by the likelihood that an answer is acted upon, and what follows."""
