namespace Tessera;

/// <summary>The parts of the data that a config names.</summary>
public enum DataPart
{
    Train,
    Val,
    Test,
}
