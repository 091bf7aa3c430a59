"""What NetworkX reads in a GraphML file, as JSON: floats as bits, so that none is rounded."""

import json
import struct
import sys

import networkx


def told(value):
    if isinstance(value, float):
        return ["float", struct.pack(">d", value).hex()]
    return [type(value).__name__, str(value)]


def attributes(found):
    return {name: told(value) for name, value in found.items()}


graph = networkx.read_graphml(sys.argv[1], force_multigraph=True)
nodes = {node: attributes(found) for node, found in graph.nodes(data=True)}
edges = [[start, end, attributes(found)] for start, end, found in graph.edges(data=True)]
json.dump({"directed": graph.is_directed(), "nodes": nodes, "edges": edges}, sys.stdout)
