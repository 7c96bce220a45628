"""Through a proxy: whole targets, tunnels with TLS inside, and what it refuses."""
import os
import unittest
from unittest import mock

from case import Case, event, routed, together, wait_until
from login import Login
from proxy import Proxy
from secure import Certificates

PASSWORD = "p%40ss%2Fword"  # as it stands in a URL
USER = "alice:p@ss/word"


class ProxyCase(Case):
    def setUp(self):
        self.files = Certificates()
        self.addCleanup(self.files.close)

    def proxy(self, **how):
        proxy = Proxy(**how)
        self.sinks.append(proxy)
        return proxy

    def through(self, proxy, crm, user="", secure=False, ready=True, host=None, **sink):
        """A daemon that delivers to that sink; crm.test is a name only the proxy can look up."""
        host = host or ("localhost" if secure else "crm.test")
        scheme = "https" if secure else "http"
        settings = {"url": f"{scheme}://{host}:{crm.port}/in?x=1", "proxy": proxy.url(user),
                    "retry": {"attempts": 1}, **sink}
        if secure:
            settings["tls"] = {"ca": self.files("ca.pem"), **settings.get("tls", {})}
        self.onceway = self.daemon(crm, start=False, sink=settings).start(ready=ready)
        return self.onceway

    def deliver(self, number):
        trigger = f"trg-{number}"
        self.assertAnswer(self.post(self.onceway, event(trigger)), 200, routed(trigger))

    def fails(self, why):
        self.assertIn(self.post(self.onceway, event()).status, (502, 503, 504))
        self.onceway.wait_log(why)
        wait_until(lambda: self.onceway.admin("/readyz").status == 503, "/readyz")
        for secret in ("p@ss", PASSWORD, "YWxpY2U6"):
            self.assertNotIn(secret, self.onceway.log())
        self.onceway.stop()


class Through(ProxyCase):
    def test_http(self):
        crm, proxy = self.sink(), self.proxy()
        self.through(proxy, crm)
        self.deliver(1)
        self.assertEqual(proxy.asked, [f"POST http://crm.test:{crm.port}/in?x=1"])
        self.assertEqual(crm.requests[0].target, "/in?x=1")
        self.assertEqual(crm.requests[0].header("host"), f"crm.test:{crm.port}")

    def test_https(self):
        crm, proxy = self.sink(tls=self.files.server()), self.proxy()
        self.through(proxy, crm, secure=True)
        for i in range(3):
            self.deliver(i)
        # A tunnel is kept like any other connection, and all the proxy sees is where it leads.
        self.assertEqual(proxy.asked, [f"CONNECT localhost:{crm.port}"])
        self.assertEqual(len(crm.requests), 3)
        self.assertEqual(crm.requests[0].target, "/in?x=1")

    def test_a_name_that_only_the_proxy_knows(self):
        crm, proxy = self.sink(tls=self.files.server()), self.proxy()
        self.through(proxy, crm, secure=True, host="crm.test", tls={"server_name": "localhost"})
        self.deliver(1)
        self.assertEqual(proxy.asked, [f"CONNECT crm.test:{crm.port}"])

    def test_many_tunnels(self):
        crm, proxy = self.sink(tls=self.files.server()), self.proxy()
        self.through(proxy, crm, secure=True, pool={"max_connections": 5})
        answers = together(lambda i: self.post(self.onceway, event(f"trg-{i}")), range(60))
        self.assertEqual({a.status for a in answers}, {200})
        self.assertEqual(len(set(crm.bodies)), 60)
        self.assertLessEqual(len(proxy.asked), 5)

    def test_a_user_and_a_password(self):
        for secure in (False, True):
            with self.subTest(secure):
                crm = self.sink(tls=self.files.server() if secure else None)
                proxy = self.proxy(user=USER)
                self.through(proxy, crm, user=f"alice:{PASSWORD}@", secure=secure)
                self.deliver(1)
                self.assertIsNone(crm.requests[0].header("proxy-authorization"))
                self.onceway.stop()

    def test_the_peer_inside_is_verified(self):
        crm, proxy = self.sink(tls=self.files.server("wrong-host")), self.proxy()
        self.through(proxy, crm, secure=True, ready=False)
        self.fails(r"\(the proxy\): its certificate is not for localhost")
        self.assertEqual(crm.requests, [])

    def test_tokens_are_fetched_through_it(self):
        behind, proxy = Login(), self.proxy()
        self.sinks.append(behind.sink)
        self.through(proxy, behind.sink, oauth2=behind.options(host="login.test"))
        self.deliver(1)
        self.assertIn(f"POST http://login.test:{behind.port}/token", proxy.asked)
        self.assertEqual(len(behind.events), 1)

    def test_the_environment_is_not_asked(self):
        crm = self.sink()
        other = {name: "http://127.0.0.1:9" for name in (
            "http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")}
        with mock.patch.dict(os.environ, other):
            self.onceway = self.daemon(crm)
        self.deliver(1)


class Refused(ProxyCase):
    def test_no_user_or_another(self):
        for secure in (False, True):
            for user in ("", "alice:wrong@"):
                with self.subTest((secure, user)):
                    crm = self.sink(tls=self.files.server() if secure else None)
                    self.through(self.proxy(user=USER), crm, user, secure, ready=False)
                    self.fails(r"\(the proxy\): the proxy wants a user and password, or others "
                               r"than those given \(407\): check `proxy`")
                    self.assertEqual(crm.requests, [])

    def test_no_tunnel(self):
        crm = self.sink(tls=self.files.server())
        for status, reason in ((502, "Bad Gateway"), (403, "Forbidden")):
            self.through(self.proxy(refuse=status), crm, secure=True, ready=False)
            self.fails(rf"\(the proxy\): the proxy answered {status} {reason}")

    def test_it_is_down(self):
        for secure in (False, True):
            proxy = self.proxy()
            proxy.close()
            self.through(proxy, self.sink(), secure=secure, ready=False)
            self.fails(rf"127.0.0.1:{proxy.port} \(the proxy\): Connection refused")

    def test_it_comes_back(self):
        crm, proxy = self.sink(tls=self.files.server()), self.proxy(refuse=502)
        self.through(proxy, crm, secure=True, ready=False)
        self.assertIn(self.post(self.onceway, event()).status, (502, 503, 504))
        proxy.refuse = None
        wait_until(lambda: self.onceway.admin("/readyz").status == 200, "/readyz")
        self.deliver(1)


if __name__ == "__main__":
    unittest.main()
