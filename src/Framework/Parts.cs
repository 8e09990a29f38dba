using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Hooks;
using Tessera.Framework.Metrics;
using Tessera.Framework.Models;

// What the framework's kinds of components get beside options, children and services. docs/configs.md shows the whole table.

// Channels and strides of the maps that come in.
[assembly: Receives(typeof(Neck), typeof(IFeatureSource), "backbone")]
[assembly: Receives(typeof(Head), typeof(IFeatureSource), "neck", "backbone")]

// Class names and task of the data: of the run's, or of those that a checkpoint was trained on.
[assembly: Receives(typeof(VisionModel), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(Backbone), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(Neck), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(Head), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(Loss), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(Metric), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(Hook), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(BatchTransform), typeof(DataInfo), By = "the run")]
