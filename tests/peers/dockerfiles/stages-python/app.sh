#!/bin/sh
echo VERSION
