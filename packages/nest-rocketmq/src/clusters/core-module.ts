// Holds what the clusters of an app share. Nest makes one of it, however many modules import it.
import { Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { RocketMQClusters } from './rocketmq-clusters.js';

@Module({
  imports: [DiscoveryModule],
  providers: [RocketMQClusters],
  exports: [DiscoveryModule, RocketMQClusters],
})
export class RocketMQCoreModule {}
