# SPDX-FileCopyrightText: 2026 Jasmine ROS maintainers
# SPDX-License-Identifier: Apache-2.0
"""Depth component on a host that keeps all messages in memory."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
from helpers.camera_bags import Recorder, pixels, stamp

from jasmine_core.runtime.backend import BackendInfo, NetworkMaps
from jasmine_ros.bags.rosbags_messages import RosbagsMessages
from jasmine_ros.msgs.conversion import Conversion
from jasmine_ros.node.depth_component import DepthComponent
from jasmine_ros.node.parameters import DepthParameters
from jasmine_ros.node.topics import DEPTH

ALL = {"publish_points": True, "publish_colorized": True, "publish_confidence": True}


class MemoryHost:
    """Host that keeps published messages; it runs work at once, or if deferred in `work`."""

    def __init__(self, image_topic="/camera/image_raw", deferred=False):
        self.messages = RosbagsMessages()
        self.conversion = Conversion(self.messages)
        self.published = defaultdict(list)
        self.advertised, self.logged, self.frames = {}, [], []
        self.image_topic, self.deferred = image_topic, deferred
        self.waiting, self.callbacks, self.timers = [], {}, []
        self.services, self.publishers, self.unwanted = {}, [], set()
        self.time = 42

    def resolve(self, topic):
        return {"image": self.image_topic, "camera_info": "/camera/camera_info"}.get(topic, topic)

    def advertise(self, topic, type_name):
        self.advertised[topic] = type_name

    def unadvertise(self):
        self.advertised.clear()

    def publish(self, topic, message):
        assert self.messages.typestore.serialize_cdr(message, self.advertised[topic])
        self.published[topic].append(message)

    def wanted(self, topic):
        return topic not in self.unwanted

    def subscribe(self, topic, type_name, callback, *, latched=False):
        self.callbacks[topic] = type_name

    def unsubscribe(self):
        self.callbacks.clear()
        self.timers.clear()
        self.services.clear()

    def service(self, name, type_name, answer):
        self.services[name] = answer

    def publishers_of(self, topic):
        return self.publishers

    def diagnose(self, source):
        self.report = source

    def timer(self, period_s, callback):
        self.timers.append(callback)

    def schedule(self, work):
        self.waiting.append(work)
        if not self.deferred:
            self.work()

    def work(self):
        while self.waiting:
            self.waiting.pop(0)()

    def now(self):
        return self.time

    def log(self, severity, text):
        self.logged.append((severity, text))

    def processed(self, frame):
        self.frames.append(frame)


class Rig:
    """Component on a MemoryHost, and the messages of a camera."""

    def __init__(self, checkpoint, host=None, **parameters):
        self.host = host or MemoryHost()
        parameters = DepthParameters(checkpoint=str(checkpoint), **parameters)
        self.component = DepthComponent(self.host, parameters)
        self.component.configure()
        self.component.activate()
        self._sent = []
        self._recorder = Recorder(lambda *m: self._sent.append(m), self.host.messages)

    def info(self, index=0, **fields):
        self._recorder.info(stamp(index), **fields)
        self.component.on_camera_info(self._sent.pop()[3])

    def image(self, index=0, rgb=None, **fields):
        self._recorder.image(stamp(index), pixels(index) if rgb is None else rgb, **fields)
        self.component.on_image(self._sent.pop()[3])

    def last(self, topic):
        return self.host.published[topic][-1]

    def depth(self, index=-1):
        message = self.host.published[DEPTH][index]
        dtype = np.float32 if message.encoding == "32FC1" else np.uint16
        return message.data.view(dtype).reshape(message.height, message.width)

    @property
    def counts(self):
        return self.component.counts


class GivenDepth:
    """Backend that returns given depths instead of running a network."""

    def __init__(self, depth_of):
        self.depth_of = depth_of
        self.info = BackendInfo("given", "cpu", "fp32", "given depths", (128, 64), None)

    def __call__(self, image):
        depth = self.depth_of(image)
        return NetworkMaps(np.zeros_like(depth), np.stack([depth, depth]), {"encode": 0.0})
