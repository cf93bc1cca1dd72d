/* law.h - the held-out loss to expect of a network, by its size and the text that it sees.
 *
 * L = E + A / N^a + B / D^b for N parameters without embeddings and D tokens (Hoffmann et al. 2022). Tokens
 * that are seen again count for less (Muennighoff et al. 2023). */
#ifndef TRAIN_LAW_H
#define TRAIN_LAW_H

/* Nats per token above E, after `seen` tokens of a text of `distinct` ones. */
double law_loss(double parameters, double seen, double distinct);

#endif
