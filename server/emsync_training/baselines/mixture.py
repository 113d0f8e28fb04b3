"""Several n-grams as one: a linear mixture whose weights follow how well each context is known."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from emsync_training.baselines.counting import Asked

ITERATIONS = 60  # of L-BFGS
DECAY = 1e-4


@dataclass(frozen=True, slots=True)
class Answers:
    """What the chains of one field say of M rows, K chains."""

    log_probability: Tensor
    """(M, K)"""
    known: Tensor
    """(M, 1 + 2K) for each chain how long a context was met and how often; and a one."""

    @classmethod
    def of(cls, asked: list[Asked]) -> Answers:
        """From the chains' answers."""
        columns = [torch.from_numpy(one.probability).clamp(min=1e-12).log() for one in asked]
        known = [torch.ones(len(columns[0]), 1, dtype=torch.float64)]
        for one in asked:
            order, seen = torch.from_numpy(one.order), torch.from_numpy(one.seen)
            known.append(torch.stack([order.double() / 4, torch.log1p(seen) / 8], dim=1))
        return cls(torch.stack(columns, dim=1).float(), torch.cat(known, dim=1).float())


class Mixture(nn.Module):
    """Weights of the chains from how well each is known."""

    def __init__(self, chains: int) -> None:
        """All chains alike."""
        super().__init__()
        self.gate = nn.Linear(1 + 2 * chains, chains, bias=False)
        nn.init.zeros_(self.gate.weight)

    def forward(self, answers: Answers) -> Tensor:
        """(M,) nats of each row."""
        weights = torch.log_softmax(self.gate(answers.known), dim=-1)
        return -torch.logsumexp(weights + answers.log_probability, dim=-1)

    def fit(self, answers: Answers) -> None:
        """Weights that make held-back training rows likeliest."""
        optimizer = torch.optim.LBFGS(
            self.parameters(), max_iter=ITERATIONS, line_search_fn="strong_wolfe"
        )

        def closure() -> Tensor:
            optimizer.zero_grad()
            loss: Tensor = self(answers).mean() + DECAY * (self.gate.weight**2).sum()
            loss.backward()  # type: ignore[no-untyped-call]
            return loss

        optimizer.step(closure)  # type: ignore[no-untyped-call]
