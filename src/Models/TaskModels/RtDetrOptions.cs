using Tessera.Models.Detection.Transformers;

namespace Tessera.Models.TaskModels;

/// <param name="NumQueries">How many of the maps' cells, the best, the decoder begins with; each query finds one object or none.</param>
/// <param name="DecoderLayers">Layers in which queries look at the maps.</param>
/// <param name="EmbedDim">Width of tokens; a multiple of num_heads.</param>
/// <param name="NumHeads">Attention heads.</param>
/// <param name="FfnDim">Width between the two linear layers of each decoder layer.</param>
/// <param name="NumPoints">Places that each head of a query looks at in each map.</param>
/// <param name="Dropout">In the decoder.</param>
/// <param name="NumDenoising">About how many further queries training has that are true boxes, moved, and are to find them; as many again
/// are moved further and are to find nothing. 0: none.</param>
/// <param name="LabelNoiseRatio">Twice the share of their labels that change.</param>
/// <param name="BoxNoiseScale">How far their boxes' sides move at most, of half the boxes' sides.</param>
/// <param name="AuxLoss">Every decoder layer, and the cells that are chosen, have losses of their own, and not the last layer
/// alone.</param>
/// <param name="SetCost">What pairs of a query and a box cost; class 2 by default, by focal loss.</param>
/// <param name="LossWeights">Weights of the losses.</param>
/// <param name="Alpha">Weight of scores that are to be 0.</param>
/// <param name="Gamma">How much less those of them count that are low already.</param>
/// <param name="MultiScale">Training brings each batch to one of these sizes, height and width alike, drawn at random.</param>
/// <param name="Test">How it predicts.</param>
public sealed record RtDetrOptions(
    [property: Range(1, 10_000)] int NumQueries = 300,
    [property: Range(1, 100)] int DecoderLayers = 6,
    [property: Range(4, 65_536)] int EmbedDim = 256,
    [property: Range(1, 1024)] int NumHeads = 8,
    [property: Range(1, 65_536)] int FfnDim = 1024,
    [property: Range(1, 256)] int NumPoints = 4,
    [property: Range(0, 0.99)] double Dropout = 0,
    [property: Range(0, 10_000)] int NumDenoising = 100,
    [property: Range(0, 2)] double LabelNoiseRatio = 0.5,
    [property: Range(0, 2)] double BoxNoiseScale = 1,
    bool AuxLoss = true,
    SetCosts? SetCost = null,
    SetLossWeights? LossWeights = null,
    [property: Range(0, 100)] double Alpha = 0.75,
    [property: Range(0, 100)] double Gamma = 2,
    [property: MinLength(1), Range(32, 65_536)] int[]? MultiScale = null,
    QueryTestOptions? Test = null
);
