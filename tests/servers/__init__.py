"""Real object stores for the tests: MinIO and Ceph RGW on loopback, and a proxy that injects faults."""
