FROM busybox
COPY sub/other.dockerfile /x
