using Tessera.Models.TaskModels.Segmentation;

namespace Tessera.Models.TaskModels;

/// <param name="NumQueries">How many masks can be found in an image: each query finds one or none.</param>
/// <param name="NumBlocks">The backbone's last blocks, through which queries go with the patches.</param>
/// <param name="MaskedAttention">In these blocks a query attends only the patches within its own mask, and every block has losses. false:
/// neither, so that only the last output is trained.</param>
/// <param name="MaskAnnealing">Training gives the masks of the attention up, block after block, so that the trained model needs none;
/// unset: it never does.</param>
/// <param name="Loss">Pairs of queries and masks, and the losses.</param>
/// <param name="Test">How it predicts.</param>
public sealed record EomtOptions(
    [property: Range(1, 10_000)] int NumQueries = 200,
    [property: Range(1, 1024)] int NumBlocks = 4,
    bool MaskedAttention = true,
    MaskAnnealingOptions? MaskAnnealing = null,
    MaskLossOptions? Loss = null,
    EomtTestOptions? Test = null
);

/// <summary>When the masks of the attention are given up: the share of queries that still have one falls from 1 to 0, by (1 - part of the
/// time)^power.</summary>
/// <param name="StartSteps">For each of the num_blocks blocks, the optimizer step from which on the share falls. By default the blocks
/// follow one another over the run: of B blocks, block i begins after (i + 1) / (B + 2) of it.</param>
/// <param name="EndSteps">For each block the step from which on it is 0; by default one such part later.</param>
/// <param name="Power">1: in equal steps; below, later.</param>
public sealed record MaskAnnealingOptions(
    [property: MinLength(1)] int[]? StartSteps = null,
    [property: MinLength(1)] int[]? EndSteps = null,
    [property: Range(0.01, 100.0)] double Power = 0.9
);

/// <param name="MaskThresh">Panoptic segmentation: a query's class must score more.</param>
/// <param name="OverlapThresh">Panoptic segmentation: the part of its mask that other queries must leave to a query at least.</param>
/// <param name="MaxPerImg">Instance segmentation: at most this many objects an image.</param>
/// <param name="ScoreThr">Instance segmentation: an object's score, of class times mask, must exceed it.</param>
/// <param name="Semantic">Semantic segmentation: images whole or in crops, in several sizes, mirrored.</param>
public sealed record EomtTestOptions(
    [property: Range(0.0, 1.0)] double MaskThresh = 0.8,
    [property: Range(0.0, 1.0)] double OverlapThresh = 0.8,
    [property: Range(1, 1_000_000)] int MaxPerImg = 100,
    [property: Range(0.0, 1.0)] double ScoreThr = 0,
    SegmentationTestOptions? Semantic = null
);
