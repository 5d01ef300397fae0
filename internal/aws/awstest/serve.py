# Serves moto's AWS on a free port of the loopback, prints the address, and ends when its standard input closes: so it
# never outlives the test that started it, however that one ends.
import logging
import sys

from moto.core.config import default_user_config
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
# Functions and jobs succeed at once; there is no Docker to run them. State machines are really executed.
default_user_config["lambda"] = {"use_docker": False}
default_user_config["batch"] = {"use_docker": False}
default_user_config["stepfunctions"] = {"execute_state_machine": True}

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
