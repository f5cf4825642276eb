# Databricks notebook source
print("nb ok")
