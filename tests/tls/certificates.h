/*
 * Certificates for tests, made anew by each: nothing of it is ever committed,
 * and they are as expired, or as far from valid, as a test wants them.
 *
 * Into a directory, each NAME with NAME.pem and NAME.key:
 *
 *   ca             signs what is good; also hashed/, as `openssl rehash` has it
 *   other-ca       a CA that nobody trusts
 *   server         localhost, onceway.test, 127.0.0.1, ::1
 *   renewed        the same, by another subject
 *   wrong-host     other.example, *.far.example, 192.0.2.1
 *   nameless       only a subject
 *   expired        until 2020
 *   future         from 2100
 *   soon           expires in 3 days
 *   self-signed    signed by itself
 *   unknown        signed by other-ca
 *   client         a client's; client-expired, client-unknown
 *
 * And encrypted.key (server's, with a password), nothing.pem (text),
 * chained.pem (signed by an intermediate, which stands behind it) with
 * chained.key.
 */
#ifndef TESTS_TLS_CERTIFICATES_H
#define TESTS_TLS_CERTIFICATES_H

/* Aborts with a message when something fails. */
void certificates_make(const char *directory);

/* The fixture of a test program: a temporary directory with all of it. */
void certificates_set_up(void);
void certificates_tear_down(void);
/* Its path, in between. */
const char *certificates_directory(void);

#endif
