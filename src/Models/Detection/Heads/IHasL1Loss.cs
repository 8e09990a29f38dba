namespace Tessera.Models.Detection.Heads;

/// <summary>A head that can compare boxes by their numbers, too: an L1 loss, to be switched on for training's last epochs.</summary>
public interface IHasL1Loss
{
    /// <summary>Whether the loss is among those that the head gives, from the next batch on.</summary>
    bool UseL1 { get; set; }
}
