using Tessera.Framework.Components;
using Tessera.Framework.Data;
using Tessera.Framework.Models;
using Tessera.Models.Attention;
using Tessera.Models.Detection.Anchors;
using Tessera.Models.Detection.Heads;
using Tessera.Models.Detection.Proposals;
using Tessera.Models.Detection.RoI;
using Tessera.Models.Generation;
using Tessera.Models.Losses.Detection;

// What these kinds of components get beside options, children and services; src/Framework/Parts.cs has those of models, necks and heads.

[assembly: Receives(typeof(BoxHead), typeof(IFeatureSource), "neck", "backbone")]
[assembly: Receives(typeof(AnchorGeneratorBase), typeof(IFeatureSource), "neck", "backbone")]
[assembly: Receives(typeof(ProposalHead), typeof(IFeatureSource), "neck", "backbone")]
[assembly: Receives(typeof(RoIHead), typeof(IFeatureSource), "neck", "backbone")]
[assembly: Receives(typeof(RoIExtractor), typeof(IFeatureSource), "neck", "backbone")]
[assembly: Receives(typeof(RoIBoxHead), typeof(IFeatureSource), "neck", "backbone")]
[assembly: Receives(typeof(MaskHead), typeof(IFeatureSource), "neck", "backbone")]
[assembly: Receives(typeof(BoxHead), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(RoIHead), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(RoIBoxHead), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(MaskHead), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(ClassLoss), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(BoxLoss), typeof(DataInfo), By = "the run")]
[assembly: Receives(typeof(ImageGenerator), typeof(DataInfo), By = "the run")]

// Channels and heads of the block that it stands in.
[assembly: Receives(typeof(TokenAttention), typeof(AttentionShape), By = "the backbone")]
